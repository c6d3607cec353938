"""The arithmetic of `rules` over arrays: whom they let us tell, and by which of their channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert import compiled
from geoalert.audience.people import People, stretches
from geoalert.subscribers.attributes import LANGUAGE, QUIET_FROM, QUIET_TO, field, order_mask, order_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUIET: Final = QUIET_FROM[1] << QUIET_FROM[0] | QUIET_TO[1] << QUIET_TO[0]
CODE_BITS: Final = 4  # of a channel


@dataclass(frozen=True, slots=True)
class Members:
    """Who is told, one entry a (person, channel), ascending by both; arrays of equal length.

    `hold` is when quiet hours end, in whole seconds since 1970 UTC, or 0 where none run.
    """

    subscriber: NDArray[np.int64]
    channel: NDArray[np.uint8]
    language: NDArray[np.uint8]
    hold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.subscriber)


def reached(
    people: People, told: NDArray[np.int64], allowed: Sequence[int], *, every: bool
) -> tuple[Members, NDArray[np.uint32]]:
    """How the people at these positions are told, held by nothing yet, and each entry's quiet hours, where they stand
    in `attr`: by the first channel in their order, or with `every` by each. Everybody told can use one of those
    allowed, which ascend.
    """
    most = len(told) * (len(allowed) if every else 1)
    subscriber, hours = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.uint32)
    channel, language = np.empty(most, dtype=np.uint8), np.empty(most, dtype=np.uint8)
    if (loops := compiled.loops()) is not None:
        channels = np.array(allowed, dtype=np.int64)
        count = loops.choose(
            told, people.subscriber, people.attr, channels, every, subscriber, channel, language, hours
        )
    else:
        count, all_of_them = 0, len(told) == len(people)  # nearly always: who cannot be told was not brought over
        for part in stretches(len(told)):
            if all_of_them:
                ids, attr = people.subscriber[part], people.attr[part]
            else:
                ids, attr = people.subscriber.take(told[part]), people.attr.take(told[part])
            if every:
                person, which = _every(attr, allowed)
                ids, attr = ids.take(person), attr.take(person)
            else:
                which = _first(attr, allowed)
            into = slice(count, count + len(ids))
            subscriber[into], channel[into] = ids, which
            language[into], hours[into] = field(attr, LANGUAGE), attr & QUIET
            count += len(ids)
    hold = np.zeros(count, dtype=np.int64)
    return Members(subscriber[:count], channel[:count], language[:count], hold), hours[:count]


def _first(attr: NDArray[np.int64], allowed: Sequence[int]) -> NDArray[np.uint8]:
    """Of each, the usable channel that comes first in their order."""
    if len(allowed) == 1:
        return np.full(len(attr), allowed[0], dtype=np.uint8)
    best = np.full(len(attr), np.iinfo(np.uint8).max, dtype=np.uint8)
    for channel in allowed:
        order = order_of(attr, channel).astype(np.uint8)
        order -= 1  # 0, no address, becomes the last of all
        np.minimum(best, order << CODE_BITS | channel, out=best)
    best &= (1 << CODE_BITS) - 1
    return best


def _every(attr: NDArray[np.int64], allowed: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Positions of the people, ascending, and each usable channel of theirs, ascending."""
    usable = np.empty((len(attr), len(allowed)), dtype=bool)
    for at, channel in enumerate(allowed):
        usable[:, at] = attr & order_mask(channel) != 0
    person, which = np.divmod(np.flatnonzero(usable), len(allowed))
    return person, np.array(allowed, dtype=np.uint8).take(which)
