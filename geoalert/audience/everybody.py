"""The persons a grid knows: who they are, and what decides how they are told, by slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from geoalert import compiled
from geoalert.audience.people import Kinds, People, Wishes, placed, stretches
from geoalert.audience.sieve import Sieve

if TYPE_CHECKING:
    from numpy.typing import NDArray

NARROW: Final = 1 << 16  # kinds, up to which their numbers take two bytes and not four
FEW: Final = 4_096  # kinds, up to which looking through them costs next to nothing
SPARSE: Final = 2  # ids for each in use, from where slots are rows: a slot takes 2 or 4 bytes, an id held 8 more
Number = TypeVar("Number", bound=np.integer)


@dataclass(frozen=True, slots=True, eq=False)
class Persons:
    """One row a person: int64, equally long, `subscriber` in any order, each once."""

    subscriber: NDArray[np.int64]
    attr: NDArray[np.int64]
    categories: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Everybody:
    """Each person has a slot; slots ascend as ids do. Immutable, as the grid it belongs to.

    Where most ids between the least and the greatest are in use, as in a store of one city, a slot is an id less the
    least, and ids need neither be held nor looked up: slots in between are nobody's. Else it is a row in order of id.

    Many are alike in `attr` and `categories`: each has the number of a kind, and the kinds have both (16 bytes each).
    """

    _ids: NDArray[np.int64] | None  # of each slot; None: the least and the slot
    _least: int
    _count: int
    kind: Kinds  # of each slot; nobody's is the last there is, where there are slots of nobody
    _attr: NDArray[np.int64]  # of each kind
    _categories: NDArray[np.int64]

    @classmethod
    def of(cls, ids: NDArray[np.int64], attr: NDArray[np.int64], categories: NDArray[np.int64]) -> Everybody:
        """From one entry a person, ascending by id."""
        return cls._of_kinds(ids, *_kinds(attr, categories))

    @classmethod
    def _of_kinds(
        cls,
        ids: NDArray[np.int64],
        kind: Kinds,
        attr: NDArray[np.int64],
        categories: NDArray[np.int64],
    ) -> Everybody:
        if not len(ids) or int(ids[-1]) - int(ids[0]) >= SPARSE * len(ids):
            return cls(ids, 0, len(ids), kind, attr, categories)
        least = int(ids[0])
        by_id = np.full(int(ids[-1]) - least + 1, len(attr), dtype=kind.dtype)
        by_id[ids - least] = kind
        return cls(None, least, len(ids), by_id, np.append(attr, 0), np.append(categories, 0))

    def __len__(self) -> int:
        """How many persons."""
        return self._count

    @property
    def slots(self) -> int:
        """How many slots."""
        return len(self.kind)

    @property
    def nbytes(self) -> int:
        held = 0 if self._ids is None else self._ids.nbytes
        return held + self.kind.nbytes + self._attr.nbytes + self._categories.nbytes

    def slots_of(self, subscribers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each one's slot, -1 for those who are not here."""
        if self._ids is None:
            slots = subscribers - self._least
            known = (slots >= 0) & (slots < self.slots)
            known[known] = self.kind[slots[known]] != self._nobody
        else:
            slots = np.searchsorted(self._ids, subscribers)
            known = slots < self.slots
            known[known] = self._ids[slots[known]] == subscribers[known]
        return np.where(known, slots, -1)

    def slots_of_all(self, subscribers: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Each one's slot.

        Raises:
            ValueError: somebody is not here.
        """
        slots = self.slots_of(subscribers)
        if (slots < 0).any():
            raise ValueError("a place's person is not there")
        return slots.astype(np.uint32)

    def kinds_of(self, slots: NDArray[np.uint32]) -> Kinds:
        """The number of each one's kind."""
        return self.kind.take(slots)

    def passing(self, sieve: Sieve, among: int) -> NDArray[np.bool_] | None:
        """Which kinds pass; None where looking through the kinds is more than it spares `among` so many."""
        if len(self._attr) > max(among, FEW):
            return None
        return sieve.passes(self._attr, self._categories)

    @property
    def every_kind(self) -> NDArray[np.bool_]:
        """As `passing`, of everybody."""
        return np.ones(len(self._attr), dtype=bool)

    def at(self, slots: NDArray[np.int64], sieve: Sieve | None = None, kind: Kinds | None = None) -> People:
        """The persons in these slots, given ascending, as people who are certainly inside, and who are known to pass
        the sieve; their kinds, where these are known. Their wishes may be those of the grid, which stay as they are.
        """
        kind = _taken(self.kind, slots) if kind is None else kind
        wishes = Wishes(self._attr, self._categories, kind)
        few = len(slots) < len(self._attr) and len(self._attr) > FEW
        return People(self._ids_of(slots), wishes.each() if few else wishes, np.ones(len(slots), dtype=bool), sieve)

    def merged(self, gone: NDArray[np.int64], persons: Persons) -> tuple[Everybody, NDArray[np.int64]]:
        """Without those in these slots and with these persons, ascending; and where each slot of now is then, or -1."""
        kept = self.kind != self._nobody
        kept[gone] = False
        slots = np.flatnonzero(kept)
        ids, kind = self._ids_of(slots), self.kind[slots]
        used = np.flatnonzero(np.bincount(kind, minlength=len(self._attr)))
        attr = np.concatenate([self._attr[used], persons.attr])
        number, *kinds = _kinds(attr, np.concatenate([self._categories[used], persons.categories]))
        now = np.zeros(len(self._attr), dtype=number.dtype)
        now[used] = number[: len(used)]
        at = np.searchsorted(ids, persons.subscriber) + np.arange(len(persons.subscriber))
        everybody = self._of_kinds(
            placed(ids, at, persons.subscriber),
            placed(now[kind], at, number[len(used) :]),
            *kinds,
        )
        moved = np.full(self.slots, -1, dtype=np.int64)
        moved[slots] = everybody.slots_of(ids)
        return everybody, moved

    @property
    def _nobody(self) -> int:
        """The kind of slots that are nobody's; no slot's, where each is somebody's row."""
        return len(self._attr) - (self._ids is None)

    def _ids_of(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        return slots + self._least if self._ids is None else _taken(self._ids, slots)


def _taken(of_each: NDArray[Number], slots: NDArray[np.int64]) -> NDArray[Number]:
    """What these slots have, given ascending."""
    taken = np.empty(len(slots), dtype=of_each.dtype)
    if (loops := compiled.loops()) is not None:
        (loops.take_ids if of_each.dtype == np.int64 else loops.take_kinds)(slots, of_each, taken)
        return taken
    for part in stretches(len(slots)):
        # "clip" changes nothing, all of them are there: without it numpy fills a copy of `out` first.
        of_each.take(slots[part], out=taken[part], mode="clip")
    return taken


def _kinds(
    attr: NDArray[np.int64], categories: NDArray[np.int64]
) -> tuple[Kinds, NDArray[np.int64], NDArray[np.int64]]:
    """The number of each one's kind, and both values of every kind. Column by column: sorting pairs as such would hold
    up every other thread.
    """
    attrs, attr_at = np.unique(attr, return_inverse=True)
    wishes, wishes_at = np.unique(categories, return_inverse=True)
    kinds, kind = np.unique(attr_at * len(wishes) + wishes_at, return_inverse=True)
    attr_of, wishes_of = np.divmod(kinds, max(len(wishes), 1))
    narrow = len(kinds) < NARROW  # with one more for nobody
    return kind.astype(np.uint16 if narrow else np.uint32), attrs[attr_of], wishes[wishes_of]
