"""Those inside an area with what decides how they are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoalert.audience.sieve import Sieve

Number = TypeVar("Number", bound=np.generic)
Kinds: TypeAlias = "NDArray[np.uint16 | np.uint32]"  # numbers of kinds, as narrow as there are kinds
PART: Final = 16_384  # people
DIGIT: Final = 16  # bits


class Wishes(NamedTuple):
    """What decides how people are told: `attr` and `categories` as in `subscribers.attributes`. Many are alike, so it
    may stand here once a kind, and `kind` says which is whose; None: each their own.
    """

    attr: NDArray[np.int64]
    categories: NDArray[np.int64]
    kind: Kinds | None = None

    def each(self) -> Wishes:
        """One entry a person."""
        if self.kind is None:
            return self
        return Wishes(self.attr.take(self.kind), self.categories.take(self.kind))


@dataclass(frozen=True, slots=True)
class People:
    """Ascending by `subscriber`, a positive id, each once, with their wishes.

    `certain` is true where a point of theirs lies inside, false where only a ward or a rounded cell of theirs shares
    ground with the area. Everybody here passes the sieve, where one is named.
    """

    subscriber: NDArray[np.int64]
    wishes: Wishes
    certain: NDArray[np.bool_]
    sieve: Sieve | None = None

    def __len__(self) -> int:
        return len(self.subscriber)

    @property
    def attr(self) -> NDArray[np.int64]:
        """Of each person."""
        return self.wishes.each().attr

    @property
    def categories(self) -> NDArray[np.int64]:
        """Of each person."""
        return self.wishes.each().categories

    @classmethod
    def of(
        cls,
        subscriber: NDArray[np.int64],
        attr: NDArray[np.int64],
        categories: NDArray[np.int64],
        certain: NDArray[np.bool_],
        sieve: Sieve | None = None,
    ) -> People:
        """From entries in any order and number per person; one with `certain` wins."""
        order = _order(subscriber, certain)
        sorted_ids = subscriber[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = sorted_ids[1:] != sorted_ids[:-1]
        kept = order[first]
        return cls(subscriber[kept], Wishes(attr[kept], categories[kept]), certain[kept], sieve)

    @classmethod
    def none(cls) -> People:
        """Nobody."""
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, Wishes(empty, empty), np.empty(0, dtype=bool))

    def joined(self, other: People) -> People:
        """Both, each person once."""
        if not len(other):
            return self
        if not len(self):
            return other
        at = np.searchsorted(self.subscriber, other.subscriber)
        known = at < len(self)
        known[known] = self.subscriber[at[known]] == other.subscriber[known]
        certain = self.certain.copy()
        certain[at[known]] |= other.certain[known]
        new = ~known
        at = at[new] + np.arange(int(new.sum()))
        ours, theirs = self.wishes.each(), other.wishes.each()
        return People(
            placed(self.subscriber, at, other.subscriber[new]),
            Wishes(placed(ours.attr, at, theirs.attr[new]), placed(ours.categories, at, theirs.categories[new])),
            placed(certain, at, other.certain[new]),
            self.sieve if self.sieve == other.sieve else None,
        )


def _order(subscriber: NDArray[np.int64], certain: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions by id, of one person's a certain one first. Sixteen bits at a time: so wide numpy sorts by radix, which
    takes a third of the time of sorting ids whole.
    """
    if not len(subscriber):
        return np.empty(0, dtype=np.int64)
    key = (subscriber - subscriber.min()).astype(np.uint64)
    if certain.any() != certain.all():
        key = key << np.uint64(1) | ~certain
    order = np.argsort(key.astype(np.uint16), kind="stable")
    while (key := key >> np.uint64(DIGIT)).any():
        order = order.take(np.argsort(key.astype(np.uint16).take(order), kind="stable"))
    return order


def stretches(count: int) -> Iterator[slice]:
    """So many people, some at a time: what lies between memory and answer then stays in the processor's cache."""
    for start in range(0, count, PART):
        yield slice(start, min(start + PART, count))


def placed(kept: NDArray[Number], at: NDArray[np.int64], added: NDArray[Number]) -> NDArray[Number]:
    """`kept` with `added` put in, so that they stand at `at` (ascending) of the result."""
    if not len(at) or at[0] == len(kept):
        return np.concatenate([kept, added])
    result = np.empty(len(kept) + len(added), dtype=kept.dtype)
    old = np.ones(len(result), dtype=bool)
    old[at] = False
    result[old] = kept
    result[at] = added
    return result
