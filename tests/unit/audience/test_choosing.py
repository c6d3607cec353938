"""The rules over many people at once, in both forms, against the rules worked out for one person after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoalert.audience.people import PART, People, Wishes
from geoalert.audience.rules import members, quiet_until
from tests.extent import examples

pytestmark = pytest.mark.usefixtures("form")

BREAK_OF_SUMMER_TIME = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
MOMENTS = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
ZONES = st.sampled_from([ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")])
STRICTNESS = {"Extreme": 4, "Severe": 3, "Moderate": 2, "Minor": 1, "Unknown": 0}
Told = list[tuple[int, int, int, int]]


def crowd(seed: int, count: int) -> People:
    """Whose `attr` is any there can be: severities 1 to 4, few hours so that some meet, channels in any order."""
    chance = np.random.default_rng(seed)
    attr = chance.integers(0, 16, count) | chance.integers(1, 5, count) << 4 | chance.integers(0, 4, count) << 7
    hours = np.array([0, 1, 359, 360, 720, 1_320, 1_439])
    attr |= chance.choice(hours, count) << 9 | chance.choice(hours, count) << 20
    orders = np.argsort(chance.random((count, 7)), axis=1) + 1
    orders[chance.random((count, 7)) < 0.5] = 0
    for channel in range(7):
        attr |= orders[:, channel] << 31 + 3 * channel
    ids = np.cumsum(chance.integers(1, 2**40, count))
    return People(ids, Wishes(attr, chance.integers(0, 2**62, count)), np.ones(count, dtype=bool))


def one_by_one(
    people: People, category: int, severity: str, channels: frozenset[int], now: datetime, zone: ZoneInfo
) -> Told:
    """The bits are spelt out here, apart from the product's own packing."""
    told: Told = []
    urgent, extreme = severity in {"Extreme", "Severe"}, severity == "Extreme"
    for subscriber, attr, categories in zip(people.subscriber, people.attr, people.categories, strict=True):
        bits, wishes = int(attr), int(categories)
        orders = {channel: bits >> 31 + 3 * (channel - 1) & 7 for channel in sorted(channels)}
        usable = {channel: order for channel, order in orders.items() if order}
        if not bits >> 8 & 1 or not (bits >> 7 & 1 or urgent) or not (wishes >> category & 1 or extreme):
            continue
        if not usable or (not urgent and bits >> 4 & 7 > STRICTNESS[severity]):
            continue
        ends = None if urgent else quiet_until(bits >> 9 & 0x7FF, bits >> 20 & 0x7FF, now, zone)
        hold = int(ends.timestamp()) if ends else 0
        chosen = usable if extreme else [min(usable, key=lambda channel: (usable[channel], channel))]
        told += [(int(subscriber), channel, bits & 15, hold) for channel in chosen]
    return told


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 120),
    category=st.integers(0, 61),
    severity=st.sampled_from(sorted(STRICTNESS)),
    channels=st.frozensets(st.integers(1, 7), max_size=5),
    now=MOMENTS | st.just(BREAK_OF_SUMMER_TIME),
    zone=ZONES,
)
@settings(max_examples=examples(200), deadline=None)
def test_many_are_told_as_each_would_be(
    seed: int, count: int, category: int, severity: str, channels: frozenset[int], now: datetime, zone: ZoneInfo
) -> None:
    people = crowd(seed, count)
    ruled = members(people, category, severity, channels, now, zone)
    found = ruled.members
    columns = (found.subscriber, found.channel, found.language, found.hold)
    assert [column.dtype for column in columns] == [np.int64, np.uint8, np.uint8, np.int64]
    expected = one_by_one(people, category, severity, channels, now, zone)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected
    assert people.subscriber[ruled.told].tolist() == sorted({subscriber for subscriber, *_ in expected})
    assert np.flatnonzero(ruled.why < 0).tolist() == ruled.told.tolist()


@pytest.mark.parametrize("severity", ["Extreme", "Minor"])
def test_a_crowd_that_is_taken_in_parts(severity: str) -> None:
    people = crowd(3, 2 * PART + 17)
    now, zone = datetime(2026, 11, 21, 20, 0, tzinfo=UTC), ZoneInfo("Asia/Kolkata")
    channels = frozenset({1, 2, 6})
    found = members(people, 5, severity, channels, now, zone).members
    columns = (found.subscriber, found.channel, found.language, found.hold)
    expected = one_by_one(people, 5, severity, channels, now, zone)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected
    assert len({at // PART for at in np.searchsorted(people.subscriber, found.subscriber).tolist()}) == 3


def test_quiet_hours_that_end_on_the_day_the_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    attr = 1 << 7 | 1 << 8 | 1 << 4 | 60 << 9 | 420 << 20 | 1 << 31
    people = People(np.array([1]), Wishes(np.array([attr]), np.array([1])), np.array([True]))
    [hold] = members(people, 0, "Minor", {1}, BREAK_OF_SUMMER_TIME, zone).members.hold.tolist()
    assert hold == int((BREAK_OF_SUMMER_TIME + timedelta(hours=5, minutes=30)).timestamp())  # 07:00 CET, not CEST
