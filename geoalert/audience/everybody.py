"""The persons a grid knows: who they are, and what decides how they are told, by slot."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert import compiled
from geoalert.audience.people import People, Wishes, placed, stretches
from geoalert.audience.sieve import Sieve

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW: Final = 4_096  # kinds, up to which looking through them costs next to nothing


@dataclass(frozen=True, slots=True, eq=False)
class Persons:
    """One row a person: int64, equally long, `subscriber` in any order, each once."""

    subscriber: NDArray[np.int64]
    attr: NDArray[np.int64]
    categories: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Everybody:
    """A person's slot is their row, in order of id. Immutable, as the grid it belongs to.

    Many are alike in `attr` and `categories`: each has the number of a kind, and the kinds have both (16 bytes each).
    """

    _ids: NDArray[np.int64]
    _kind: NDArray[np.uint32]
    _attr: NDArray[np.int64]  # of each kind
    _categories: NDArray[np.int64]

    @classmethod
    def of(cls, ids: NDArray[np.int64], attr: NDArray[np.int64], categories: NDArray[np.int64]) -> Everybody:
        """From one entry a person, ascending by id."""
        kind, *kinds = _kinds(attr, categories)
        return cls(ids, kind, *kinds)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def nbytes(self) -> int:
        return self._ids.nbytes + self._kind.nbytes + self._attr.nbytes + self._categories.nbytes

    def slots_of(self, subscribers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each one's slot, -1 for those who are not here. For a few: about 2 microseconds each."""
        ids = self._ids.data
        slots = (bisect_left(ids, subscriber) for subscriber in subscribers.tolist())
        found = np.fromiter(slots, dtype=np.int64, count=len(subscribers))
        known = found < len(ids)
        known[known] = self._ids[found[known]] == subscribers[known]
        return np.where(known, found, -1)

    def slots_of_all(self, subscribers: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Each one's slot, for many.

        Raises:
            ValueError: somebody is not here.
        """
        slots = np.searchsorted(self._ids, subscribers)
        known = slots < len(self)
        known[known] = self._ids[slots[known]] == subscribers[known]
        if not known.all():
            raise ValueError("a place's person is not there")
        return slots.astype(np.uint32)

    def kinds_of(self, slots: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The number of each one's kind."""
        return self._kind.take(slots)

    def passing(self, sieve: Sieve, among: int) -> NDArray[np.bool_] | None:
        """Which kinds pass; None where looking through the kinds is more than it spares `among` so many."""
        if len(self._attr) > max(among, FEW):
            return None
        return sieve.passes(self._attr, self._categories)

    @property
    def every_kind(self) -> NDArray[np.bool_]:
        """As `passing`, of everybody."""
        return np.ones(len(self._attr), dtype=bool)

    def at(self, slots: NDArray[np.int64], sieve: Sieve | None = None) -> People:
        """The persons in these slots, given ascending, as people who are certainly inside, and who are known to pass
        the sieve. Their wishes may be those of the grid, which stay as they are.
        """
        ids, kind = np.empty(len(slots), dtype=np.int64), np.empty(len(slots), dtype=np.uint32)
        if (loops := compiled.loops()) is not None:
            loops.gather(slots, self._ids, self._kind, ids, kind)
        else:
            for part in stretches(len(slots)):
                # "clip" changes nothing, all of them are there: without it numpy fills a copy of `out` first.
                self._ids.take(slots[part], out=ids[part], mode="clip")
                self._kind.take(slots[part], out=kind[part], mode="clip")
        wishes = Wishes(self._attr, self._categories, kind)
        few = len(slots) < len(self._attr) and len(self._attr) > FEW
        return People(ids, wishes.each() if few else wishes, np.ones(len(slots), dtype=bool), sieve)

    def merged(self, gone: NDArray[np.int64], persons: Persons) -> tuple[Everybody, NDArray[np.int64]]:
        """Without those in these slots and with these persons, ascending; and where each slot of now is then, or -1."""
        kept = np.ones(len(self), dtype=bool)
        kept[gone] = False
        ids, kind = self._ids[kept], self._kind[kept]
        used = np.flatnonzero(np.bincount(kind, minlength=len(self._attr)))
        attr = np.concatenate([self._attr[used], persons.attr])
        number, *kinds = _kinds(attr, np.concatenate([self._categories[used], persons.categories]))
        now = np.zeros(len(self._attr), dtype=np.uint32)
        now[used] = number[: len(used)]
        at = np.searchsorted(ids, persons.subscriber) + np.arange(len(persons.subscriber))
        moved = np.full(len(self), -1, dtype=np.int64)
        moved[kept] = np.delete(np.arange(len(ids) + len(at)), at)
        everybody = Everybody(
            placed(ids, at, persons.subscriber),
            placed(now[kind], at, number[len(used) :]),
            *kinds,
        )
        return everybody, moved


def _kinds(
    attr: NDArray[np.int64], categories: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """The number of each one's kind, and both values of every kind. Column by column: sorting pairs as such would hold
    up every other thread.
    """
    attrs, attr_at = np.unique(attr, return_inverse=True)
    wishes, wishes_at = np.unique(categories, return_inverse=True)
    kinds, kind = np.unique(attr_at * len(wishes) + wishes_at, return_inverse=True)
    attr_of, wishes_of = np.divmod(kinds, max(len(wishes), 1))
    return kind.astype(np.uint32), attrs[attr_of], wishes[wishes_of]
