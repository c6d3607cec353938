"""Those inside an area with what decides how they are told: arrays of equal length, one entry a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class People:
    """Ascending by `subscriber`, each once. `attr` and `categories` as in `subscribers.attributes`.

    `certain` is true where a point of theirs lies inside, false where only a ward or a rounded cell of theirs shares
    ground with the area.
    """

    subscriber: NDArray[np.int64]
    attr: NDArray[np.int64]
    categories: NDArray[np.int64]
    certain: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.subscriber)

    @classmethod
    def of(
        cls,
        subscriber: NDArray[np.int64],
        attr: NDArray[np.int64],
        categories: NDArray[np.int64],
        certain: NDArray[np.bool_],
    ) -> People:
        """From entries in any order and number per person; one with `certain` wins."""
        order = np.lexsort((~certain, subscriber))
        sorted_ids = subscriber[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = sorted_ids[1:] != sorted_ids[:-1]
        kept = order[first]
        return cls(subscriber[kept], attr[kept], categories[kept], certain[kept])

    @classmethod
    def none(cls) -> People:
        """Nobody."""
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, empty, np.empty(0, dtype=bool))

    def joined(self, other: People) -> People:
        """Both, each person once."""
        if not len(other):
            return self
        if not len(self):
            return other
        return People.of(
            np.concatenate([self.subscriber, other.subscriber]),
            np.concatenate([self.attr, other.attr]),
            np.concatenate([self.categories, other.categories]),
            np.concatenate([self.certain, other.certain]),
        )
