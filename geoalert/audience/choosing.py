"""The arithmetic of `rules` over arrays: whom they let us tell, and by which of their channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert import compiled
from geoalert.audience.people import People, stretches
from geoalert.subscribers.attributes import LANGUAGE, QUIET_FROM, QUIET_TO, field, order_mask, order_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoalert.audience.people import Kinds

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
    people: People,
    told: NDArray[np.int64] | None,
    allowed: Sequence[int],
    holds: Callable[[NDArray[np.uint32]], NDArray[np.int64]] | None,
    *,
    every: bool,
) -> Members:
    """How the people at these positions, or all of them, are told: by the first channel in their order, or with `every`
    by each. Everybody told can use one of those allowed, which ascend. `holds` says of quiet hours, where they stand in
    `attr`, until when they hold; without it they do not.
    """
    attr, _, kind = people.wishes
    subscriber = people.subscriber if told is None else people.subscriber.take(told)
    which = _which(told, kind, len(people))
    channel, language, hours = _of_each(attr, allowed)
    hold = np.zeros(len(attr), dtype=np.int64) if holds is None else holds(hours)
    if every:
        person, channels = _every(attr, allowed, which)
        subscriber, which = subscriber.take(person), which.take(person)
        languages = language.take(which)
    else:
        channels, languages = _codes(which, channel, language)
    held = hold.take(which) if hold.any() else np.zeros(len(which), dtype=np.int64)
    return Members(subscriber, channels, languages, held)


def _which(told: NDArray[np.int64] | None, kind: Kinds | None, people: int) -> NDArray[np.int64] | Kinds:
    """Of each who is told the position of their wishes."""
    if kind is None:
        return np.arange(people) if told is None else told
    return kind if told is None else kind.take(told)


def _codes(
    which: NDArray[np.int64] | Kinds, channel: NDArray[np.uint8], language: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both of each."""
    if (loops := compiled.loops()) is None or which.dtype == np.int64:
        return channel.take(which), language.take(which)
    channels, languages = np.empty((2, len(which)), dtype=np.uint8)
    loops.take_codes(which, channel, language, channels, languages)
    return channels, languages


def _of_each(
    attr: NDArray[np.int64], allowed: Sequence[int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint32]]:
    """The first channel, the language and the quiet hours."""
    channel, language = np.empty((2, len(attr)), dtype=np.uint8)
    hours = np.empty(len(attr), dtype=np.uint32)
    for part in stretches(len(attr)):
        some = attr[part]
        channel[part], language[part], hours[part] = _first(some, allowed), field(some, LANGUAGE), some & QUIET
    return channel, language, hours


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


def _every(
    attr: NDArray[np.int64], allowed: Sequence[int], which: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Positions in `which`, ascending, and each usable channel of theirs, ascending."""
    usable = np.empty((len(attr), len(allowed)), dtype=bool)
    for at, channel in enumerate(allowed):
        usable[:, at] = attr & order_mask(channel) != 0
    person, channels = np.divmod(np.flatnonzero(usable.take(which, axis=0)), len(allowed))
    return person, np.array(allowed, dtype=np.uint8).take(channels)
