"""Whom a message goes to: arrays of equal length, one entry a (owner, channel)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Recipients:
    """Ascending by owner and channel, each pair once.

    `owner` is a subscriber's id, or the negative id of one of the city's accounts: which of their addresses is used is
    decided when the message leaves for them. `hold` is the second (since 1970, UTC) until which they are held, or 0;
    `waits` is true for posts that the cell has yet to publish.
    """

    owner: NDArray[np.int64]
    channel: NDArray[np.uint8]
    language: NDArray[np.uint8]
    hold: NDArray[np.int64]
    waits: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.owner)

    @classmethod
    def of(
        cls,
        owner: NDArray[np.int64],
        channel: NDArray[np.integer],
        language: NDArray[np.integer],
        hold: NDArray[np.int64] | None = None,
        waits: NDArray[np.bool_] | None = None,
    ) -> Recipients:
        """From entries in any order; of those that name one pair the first is kept."""
        hold = np.zeros(len(owner), dtype=np.int64) if hold is None else hold
        waits = np.zeros(len(owner), dtype=bool) if waits is None else waits
        made = cls(
            owner.astype(np.int64, copy=False),
            channel.astype(np.uint8, copy=False),
            language.astype(np.uint8, copy=False),
            hold,
            waits.astype(bool, copy=False),
        )
        if made._ascending():
            return made
        order = np.lexsort((channel, owner))  # stable: the first stays first
        made = made.only(order)
        new = np.ones(len(order), dtype=bool)
        new[1:] = (made.owner[1:] != made.owner[:-1]) | (made.channel[1:] != made.channel[:-1])
        return made.only(new)

    @classmethod
    def none(cls) -> Recipients:
        """Nobody."""
        empty = np.empty(0, dtype=np.int64)
        return cls.of(empty, empty, empty)

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Recipients:
        """These entries, in the order given."""
        return Recipients(
            self.owner[which], self.channel[which], self.language[which], self.hold[which], self.waits[which]
        )

    def joined(self, other: Recipients) -> Recipients:
        """Both; where they name one pair, as this one says."""
        if not len(other):
            return self
        if not len(self):
            return other
        return Recipients.of(
            np.concatenate([self.owner, other.owner]),
            np.concatenate([self.channel, other.channel]),
            np.concatenate([self.language, other.language]),
            np.concatenate([self.hold, other.hold]),
            np.concatenate([self.waits, other.waits]),
        )

    def without(self, other: Recipients) -> Recipients:
        """Those pairs that the other does not name."""
        return self.only(~np.isin(self._keys(), other._keys()))

    def people(self) -> int:
        """Distinct subscribers."""
        people = self.owner[self.owner > 0]  # ascending
        return int(np.count_nonzero(np.diff(people))) + bool(len(people))

    def _keys(self) -> NDArray[np.int64]:
        return self.owner << 4 | self.channel

    def _ascending(self) -> bool:
        if (self.owner[1:] > self.owner[:-1]).all():  # one channel each: most messages
            return True
        keys = self._keys()
        return bool((keys[1:] > keys[:-1]).all())
