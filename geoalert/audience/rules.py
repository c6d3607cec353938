"""Who of those inside is told, by which of their channels, and when: pure, over arrays, and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
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
    order_mask,
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
OVERRIDDEN: Final = MappingProxyType({"no_consent": "consent", "category": "category", "min_severity": "min_severity"})


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


@dataclass(frozen=True)
class Ruled:
    """`told` are the positions of the people who are told, ascending."""

    members: Members
    told: NDArray[np.int64]
    left_out: Callable[[], NDArray[np.int8]]

    @cached_property
    def why(self) -> NDArray[np.int8]:
        """For each of the people the index of their reason in `LEFT_OUT`, or -1 where they are told. Found when first
        asked for: a release does not.
        """
        return self.left_out()


def members(
    people: People, category_bit: int, severity: str, channels: Iterable[int], now: datetime, zone: tzinfo
) -> Ruled:
    """How each of these people is told under the rules of a severity."""
    reach, attr = REACH[severity], people.attr
    allowed = sorted(channels)
    usable = sum(order_mask(channel) for channel in allowed)
    must = ACTIVE if reach.consent else ACTIVE | CONSENT
    wanted = attr & must == must
    wanted &= attr & usable != 0
    if not reach.category:
        wanted &= people.categories & 1 << category_bit != 0
    if not reach.min_severity:
        wanted &= attr & MIN_SEVERITY[1] << MIN_SEVERITY[0] <= SEVERITIES[severity] << MIN_SEVERITY[0]

    def left_out() -> NDArray[np.int8]:
        barred = {
            "paused": attr & ACTIVE == 0,
            "no_consent": attr & CONSENT == 0,
            "category": people.categories & 1 << category_bit == 0,
            "min_severity": field(attr, MIN_SEVERITY) > SEVERITIES[severity],
            "no_channel": attr & usable == 0,
        }
        why = np.full(len(attr), -1, dtype=np.int8)
        for reason in reversed(LEFT_OUT):  # the first that holds is written last
            if not getattr(reach, OVERRIDDEN.get(reason, ""), False):
                why[barred[reason]] = LEFT_OUT.index(reason)
        return why

    told = np.flatnonzero(wanted)
    chosen, channel = _channels(attr[told], allowed, every=reach.all_channels)
    chosen = told[chosen]
    wishes = attr[chosen]
    return Ruled(
        Members(
            subscriber=people.subscriber[chosen],
            channel=channel,
            language=field(wishes, LANGUAGE).astype(np.uint8),
            hold=np.zeros(len(chosen), dtype=np.int64) if reach.quiet_hours else _holds(wishes, now, zone),
        ),
        told,
        left_out,
    )


def _channels(
    attr: NDArray[np.int64], allowed: Sequence[int], *, every: bool
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Positions of the people, ascending, and a channel of theirs: the first in their order, or with `every` each.
    Everybody here can use one of those allowed.
    """
    if len(allowed) < 2:  # noqa: PLR2004 - one, or none where a message is only posted: then nobody is here
        return np.arange(len(attr)), np.full(len(attr), sum(allowed), dtype=np.uint8)
    codes = np.array(allowed, dtype=np.uint8)
    orders = np.stack([order_of(attr, channel).astype(np.uint8) for channel in allowed], axis=-1)
    if every:
        person, which = np.nonzero(orders)
        return person, codes[which]
    orders -= 1  # 0, no address, becomes the last of all
    return np.arange(len(attr)), codes[orders.argmin(axis=-1)]


def _holds(attr: NDArray[np.int64], now: datetime, zone: tzinfo) -> NDArray[np.int64]:
    """When each one's quiet hours end; few distinct hours are kept by many people."""
    ends = np.zeros(len(attr), dtype=np.int64)
    hours = attr & (QUIET_FROM[1] << QUIET_FROM[0] | QUIET_TO[1] << QUIET_TO[0])
    keeps = np.flatnonzero(hours)
    distinct, which = np.unique(hours[keeps], return_inverse=True)
    moments = [
        quiet_until(int(start), int(end), now, zone)
        for start, end in zip(field(distinct, QUIET_FROM), field(distinct, QUIET_TO), strict=True)
    ]
    seconds = np.array([0 if moment is None else int(moment.timestamp()) for moment in moments], dtype=np.int64)
    ends[keeps] = seconds[which]
    return ends


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
