"""Who of those inside is told, by which of their channels, and when: pure, over arrays, and as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert.audience.people import People
from geoalert.subscribers.attributes import (
    ACTIVE,
    CONSENT,
    LANGUAGE,
    MIN_SEVERITY,
    QUIET_FROM,
    QUIET_TO,
    field,
    order_of,
)
from geoalert.subscribers.codes import SEVERITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Reach:
    """What a severity may override, and whether it uses all of a person's channels at once.

    Consent may be overridden for safety in a disaster only (DPDP Act s.7); a STOP never is.
    """

    consent: bool = False
    category: bool = False
    min_severity: bool = False
    quiet_hours: bool = False
    all_channels: bool = False


REACH: Final = MappingProxyType(
    {
        "Extreme": Reach(consent=True, category=True, min_severity=True, quiet_hours=True, all_channels=True),
        "Severe": Reach(consent=True, min_severity=True, quiet_hours=True, all_channels=True),
        "Moderate": Reach(),
        "Minor": Reach(),
        "Unknown": Reach(),
    }
)
# Why a person inside is not told; the first that holds is the one that is given.
LEFT_OUT: Final = ("paused", "no_consent", "category", "min_severity", "no_channel")


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


@dataclass(frozen=True, slots=True)
class Ruled:
    """`why` holds for each of the people the index of their reason in `LEFT_OUT`, or -1 where they are told."""

    members: Members
    why: NDArray[np.int8]


def members(
    people: People, category_bit: int, severity: str, channels: Iterable[int], now: datetime, zone: tzinfo
) -> Ruled:
    """How each of these people is told under the rules of a severity."""
    reach, attr = REACH[severity], people.attr
    allowed = sorted(channels)
    orders = np.empty((len(allowed), len(attr)), dtype=np.uint8)  # narrow: what follows is bound by memory
    for row, channel in enumerate(allowed):
        orders[row] = order_of(attr, channel)
    barred = (
        attr & ACTIVE == 0,
        np.zeros(len(attr), dtype=bool) if reach.consent else attr & CONSENT == 0,
        np.zeros(len(attr), dtype=bool) if reach.category else people.categories >> category_bit & 1 == 0,
        np.zeros(len(attr), dtype=bool) if reach.min_severity else field(attr, MIN_SEVERITY) > SEVERITIES[severity],
        ~orders.any(axis=0),
    )
    why = np.full(len(attr), -1, dtype=np.int8)
    for reason in reversed(range(len(LEFT_OUT))):
        why[barred[reason]] = reason
    told = np.flatnonzero(why < 0)
    usable = orders.take(told, axis=1)
    if not reach.all_channels and allowed:
        ranked = usable - np.uint8(1)  # 0, no address, becomes the last of all
        usable = ranked == ranked.min(axis=0)
    person, which = np.nonzero(usable.T)  # by person, then by channel: both ascend
    chosen = told[person]
    hold = np.zeros(len(attr), dtype=np.int64) if reach.quiet_hours else _holds(attr, now, zone)
    return Ruled(
        Members(
            subscriber=people.subscriber[chosen],
            channel=np.array(allowed, dtype=np.uint8)[which],
            language=field(attr[chosen], LANGUAGE).astype(np.uint8),
            hold=hold[chosen],
        ),
        why,
    )


def _holds(attr: NDArray[np.int64], now: datetime, zone: tzinfo) -> NDArray[np.int64]:
    """When each person's quiet hours end; few distinct hours are kept by many people."""
    hours = attr & (QUIET_FROM[1] << QUIET_FROM[0] | QUIET_TO[1] << QUIET_TO[0])
    distinct, which = np.unique(hours, return_inverse=True)
    ends = np.zeros(len(distinct), dtype=np.int64)
    for position, (start, end) in enumerate(zip(field(distinct, QUIET_FROM), field(distinct, QUIET_TO), strict=True)):
        until = quiet_until(int(start), int(end), now, zone)
        ends[position] = 0 if until is None else int(until.timestamp())
    return ends[which]


def quiet_until(start: int, end: int, now: datetime, zone: tzinfo) -> datetime | None:
    """When the quiet hours that run now are over (UTC), or None when none run. Minutes of the city's day; equal ones
    mean that there are no quiet hours.
    """
    if start == end:
        return None
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    runs = start <= minute < end if start < end else minute >= start or minute < end
    if not runs:
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    over = midnight + timedelta(minutes=end)
    if over <= local:
        over += timedelta(days=1)
    return over.astimezone(UTC)
