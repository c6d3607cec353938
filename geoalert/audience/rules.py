"""Who of those inside is told, by which of their channels, and when: pure, and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final

from geoalert.subscribers.codes import SEVERITIES


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person inside with their addresses, in their own order."""

    subscriber: int
    language: int
    categories: int
    min_severity: int
    quiet_from: int | None
    quiet_to: int | None
    consent: bool
    addresses: Sequence[tuple[int, int]]  # (address id, channel code)


@dataclass(frozen=True, slots=True)
class Member:
    """One (person, channel) that will be told; `hold_until` where quiet hours run."""

    subscriber: int
    address: int
    channel: int
    language: int
    hold_until: datetime | None


def members(
    person: Candidate, category_bit: int, severity: str, channels: frozenset[int], now: datetime, zone: tzinfo
) -> list[Member]:
    """How this person is told; empty when they are not."""
    reach = REACH[severity]
    if not (person.consent or reach.consent):
        return []
    if not (person.categories >> category_bit & 1 or reach.category):
        return []
    if SEVERITIES[severity] < person.min_severity and not reach.min_severity:
        return []
    usable = [(address, channel) for address, channel in person.addresses if channel in channels]
    chosen = usable if reach.all_channels else usable[:1]
    hold = None if reach.quiet_hours else quiet_until(person.quiet_from, person.quiet_to, now, zone)
    told: dict[int, Member] = {}
    for address, channel in chosen:
        told.setdefault(channel, Member(person.subscriber, address, channel, person.language, hold))
    return list(told.values())


def quiet_until(start: int | None, end: int | None, now: datetime, zone: tzinfo) -> datetime | None:
    """When the quiet hours that run now are over (UTC), or None when none run. Minutes of the city's day."""
    if start is None or end is None:
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
