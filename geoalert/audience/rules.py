"""Who of those inside is told, by which of their channels, and when: pure, over arrays, and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert.audience.choosing import Members, reached
from geoalert.audience.people import People
from geoalert.audience.sieve import SEVERITY, Sieve
from geoalert.subscribers.attributes import (
    ACTIVE,
    CONSENT,
    MIN_SEVERITY,
    QUIET_FROM,
    QUIET_TO,
    field,
    order_mask,
)
from geoalert.subscribers.codes import SEVERITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Reach:
    """What a severity may override, and whether it uses all of a person's channels at once or one after the other.

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
        "Severe": Reach(consent=True, min_severity=True, quiet_hours=True),
        "Moderate": Reach(),
        "Minor": Reach(),
        "Unknown": Reach(),
    }
)
# Why a person inside is not told; the first that holds is the one that is given.
LEFT_OUT: Final = ("paused", "no_consent", "category", "min_severity", "no_channel", "told_of_event", "weekly_budget")
NOBODY: Final[Mapping[str, NDArray[np.bool_]]] = MappingProxyType({})
OVERRIDDEN: Final = MappingProxyType({"no_consent": "consent", "category": "category", "min_severity": "min_severity"})


@dataclass(frozen=True)
class Ruled:
    """How each of so many `people` is told, or why not."""

    members: Members
    people: int
    some: NDArray[np.int64] | None  # positions of those who are told, ascending; None: all are
    left_out: Callable[[], NDArray[np.int8]]
    spared: tuple[str, ...] = ()  # reasons that were looked at beside the rules

    @property
    def told(self) -> NDArray[np.int64]:
        """The positions of the people who are told, ascending."""
        return np.arange(self.people) if self.some is None else self.some

    @property
    def count(self) -> int:
        """How many are told."""
        return self.people if self.some is None else len(self.some)

    @cached_property
    def why(self) -> NDArray[np.int8]:
        """For each of the people the index of their reason in `LEFT_OUT`, or -1 where they are told. Found when first
        asked for: a release does not.
        """
        return self.left_out()


def sieve_of(category_bit: int, severity: str, channels: Iterable[int]) -> Sieve:
    """What bars people from a message whatever their hours."""
    reach = REACH[severity]
    return Sieve(
        must=ACTIVE if reach.consent else ACTIVE | CONSENT,
        usable=sum(order_mask(channel) for channel in channels),
        category=0 if reach.category else 1 << category_bit,
        strictest=SEVERITY if reach.min_severity else SEVERITIES[severity] << MIN_SEVERITY[0],
    )


def members(
    people: People,
    category_bit: int,
    severity: str,
    channels: Iterable[int],
    now: datetime,
    zone: tzinfo,
    spared: Mapping[str, NDArray[np.bool_]] = NOBODY,
) -> Ruled:
    """How each of these people is told under the rules of a severity; not who is `spared`, by reason in `LEFT_OUT`."""
    reach = REACH[severity]
    allowed = sorted(channels)
    sieve = sieve_of(category_bit, severity, allowed)
    some = _wanted(people, sieve, spared)

    def left_out() -> NDArray[np.int8]:
        attr, categories, _ = people.wishes.each()
        barred = {
            "paused": attr & ACTIVE == 0,
            "no_consent": attr & CONSENT == 0,
            "category": categories & 1 << category_bit == 0,
            "min_severity": field(attr, MIN_SEVERITY) > SEVERITIES[severity],
            "no_channel": attr & sieve.usable == 0,
            **spared,
        }
        why = np.full(len(attr), -1, dtype=np.int8)
        for reason in reversed(LEFT_OUT):  # the first that holds is written last
            if reason in barred and not getattr(reach, OVERRIDDEN.get(reason, ""), False):
                why[barred[reason]] = LEFT_OUT.index(reason)
        return why

    holds = None if reach.quiet_hours else partial(_holds, now=now, zone=zone)
    found = reached(people, some, allowed, holds, every=reach.all_channels)
    return Ruled(found, len(people), some, left_out, tuple(spared))


def _wanted(people: People, sieve: Sieve, spared: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int64] | None:
    """Positions of those whom nothing bars and nobody spares; None: of all."""
    if people.sieve == sieve:  # whoever found them has looked already
        if not spared:
            return None
        wanted = np.ones(len(people), dtype=bool)
    else:
        attr, categories, kind = people.wishes
        passes = sieve.passes(attr, categories)
        wanted = passes if kind is None else passes.take(kind)
    for heard in spared.values():
        wanted &= ~heard
    told = np.flatnonzero(wanted)
    return None if len(told) == len(people) else told


def _holds(hours: NDArray[np.uint32], now: datetime, zone: tzinfo) -> NDArray[np.int64]:
    """When each one's quiet hours end, as `quiet_until` has it. It is worked out once for each end that is kept: there
    are few, however many people keep them.
    """
    holds = np.zeros(len(hours), dtype=np.int64)
    keeps = np.flatnonzero(hours)
    kept = hours[keeps].astype(np.int64)
    start, end = field(kept, QUIET_FROM), field(kept, QUIET_TO)
    minute = _minute(now.astimezone(zone))
    begun, open_ = start <= minute, minute < end
    runs = np.flatnonzero(np.where(start < end, begun & open_, (begun | open_) & (start != end)))
    ends = end[runs]
    seconds = np.zeros(QUIET_TO[1] + 1, dtype=np.int64)
    for each in np.flatnonzero(np.bincount(ends)).tolist():
        seconds[each] = int(_next(each, now, zone).timestamp())
    holds[keeps[runs]] = seconds[ends]
    return holds


def quiet_until(start: int, end: int, now: datetime, zone: tzinfo) -> datetime | None:
    """When the quiet hours that run now are over (UTC), or None when none run. Minutes of the city's day; equal ones
    mean that there are no quiet hours.
    """
    minute = _minute(now.astimezone(zone))
    runs = start <= minute < end if start < end else start != end and (minute >= start or minute < end)
    return _next(end, now, zone) if runs else None


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _next(minute: int, now: datetime, zone: tzinfo) -> datetime:
    """When it is this minute of the city's day for the next time (UTC)."""
    local = now.astimezone(zone)
    over = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=minute)
    if over <= local:
        over += timedelta(days=1)
    return over.astimezone(UTC)
