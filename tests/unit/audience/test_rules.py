"""Who is told, walked as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from geoalert.audience.people import People, Wishes
from geoalert.audience.rules import LEFT_OUT, members, quiet_until, sieve_of

pytestmark = pytest.mark.usefixtures("form")

IST = ZoneInfo("Asia/Kolkata")
TEN_IN_THE_MORNING = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
PUSH, SMS, EMAIL = 1, 2, 6
BOTH = frozenset({PUSH, SMS})
WATER = 0


def person(
    *,
    categories: int = 1 << WATER,
    min_severity: int = 1,
    quiet: tuple[int, int] = (0, 0),
    consent: bool = True,
    active: bool = True,
    channels: Sequence[int] = (PUSH, SMS),
) -> People:
    """One person; the bits are spelt out here, apart from the product's own packing."""
    attr = 1 | min_severity << 4 | consent << 7 | active << 8 | quiet[0] << 9 | quiet[1] << 20
    for order, channel in enumerate(channels, 1):
        attr |= order << 31 + 3 * (channel - 1)
    return People(np.array([7]), Wishes(np.array([attr]), np.array([categories])), np.array([True]))


CASES = [
    ({}, "Moderate", [PUSH]),
    ({"channels": (SMS, PUSH)}, "Moderate", [SMS]),
    ({}, "Extreme", [PUSH, SMS]),
    ({}, "Severe", [PUSH]),
    ({"channels": (SMS, PUSH)}, "Severe", [SMS]),
    ({"categories": 0}, "Moderate", "category"),
    ({"categories": 0}, "Severe", "category"),
    ({"categories": 0}, "Extreme", [PUSH, SMS]),
    ({"min_severity": 3}, "Moderate", "min_severity"),
    ({"min_severity": 3}, "Severe", [PUSH]),
    ({"min_severity": 4}, "Severe", [PUSH]),
    ({"consent": False}, "Moderate", "no_consent"),
    ({"consent": False}, "Severe", [PUSH]),
    ({"active": False}, "Extreme", "paused"),
    ({"active": False, "consent": False}, "Moderate", "paused"),
    ({"channels": ()}, "Extreme", "no_channel"),
    ({"channels": (EMAIL,)}, "Extreme", "no_channel"),
    ({"channels": (EMAIL, SMS)}, "Moderate", [SMS]),
]


@pytest.mark.parametrize(("changes", "severity", "told"), CASES)
@pytest.mark.requirement("S002-04")
def test_who_is_told_by_what(changes: dict[str, object], severity: str, told: list[int] | str) -> None:
    found = members(person(**changes), WATER, severity, BOTH, TEN_IN_THE_MORNING, IST)  # type: ignore[arg-type]
    if isinstance(told, str):
        assert len(found.members) == len(found.told) == 0
        assert LEFT_OUT[found.why[0]] == told
    else:
        assert found.members.channel.tolist() == told
        assert (found.why.tolist(), found.told.tolist()) == ([-1], [0])


def test_a_sieve_of_another_message_says_nothing_of_this_one() -> None:
    """Whoever passed one that asks for no consent, another category or another channel may be barred here."""
    for barred, sieve in (
        (person(consent=False), sieve_of(WATER, "Extreme", BOTH)),
        (person(categories=2), sieve_of(1, "Moderate", BOTH)),
        (person(channels=(SMS,)), sieve_of(WATER, "Moderate", {SMS})),
    ):
        assert sieve.passes(barred.attr, barred.categories).all()
        found = members(replace(barred, sieve=sieve), WATER, "Moderate", {PUSH}, TEN_IN_THE_MORNING, IST)
        assert len(found.members) == 0


@pytest.mark.requirement("S002-03")
def test_without_push_an_sms_still_goes_to_all_who_chose_it() -> None:
    found = members(person(), WATER, "Moderate", {SMS}, TEN_IN_THE_MORNING, IST).members
    assert (found.subscriber.tolist(), found.channel.tolist(), found.language.tolist()) == ([7], [SMS], [1])


def test_many_people_come_out_in_order_each_channel_once() -> None:
    parts = [person(), person(channels=()), person(channels=(SMS,)), person(categories=0), person(channels=(SMS, PUSH))]
    crowd = People(
        np.arange(10, 15),
        Wishes(np.concatenate([part.attr for part in parts]), np.concatenate([part.categories for part in parts])),
        np.ones(5, dtype=bool),
    )
    calm = members(crowd, WATER, "Moderate", BOTH, TEN_IN_THE_MORNING, IST).members
    assert list(zip(calm.subscriber.tolist(), calm.channel.tolist(), strict=True)) == [(10, PUSH), (12, SMS), (14, SMS)]
    flood = members(crowd, WATER, "Extreme", BOTH, TEN_IN_THE_MORNING, IST).members
    told = [(10, PUSH), (10, SMS), (12, SMS), (13, PUSH), (13, SMS), (14, PUSH), (14, SMS)]
    assert list(zip(flood.subscriber.tolist(), flood.channel.tolist(), strict=True)) == told
    nobody = members(People.none(), WATER, "Extreme", BOTH, TEN_IN_THE_MORNING, IST)
    assert len(nobody.members) == len(nobody.why) == 0


QUIET = [
    (0, 0, None),
    (9 * 60, 11 * 60, "05:30"),
    (10 * 60, 11 * 60, "05:30"),  # the first minute is quiet
    (8 * 60, 10 * 60, None),  # the last is not
    (22 * 60, 7 * 60, None),
    (22 * 60, 12 * 60, "06:30"),  # over midnight, morning half
    (9 * 60, 1 * 60, "19:30"),  # over midnight, evening half: ends tomorrow, UTC the same day
]


@pytest.mark.parametrize(("start", "end", "over"), QUIET)
def test_when_quiet_hours_end(start: int, end: int, over: str | None) -> None:
    found = quiet_until(start, end, TEN_IN_THE_MORNING, IST)
    assert (found and f"{found:%H:%M}") == over
    assert found is None or found > TEN_IN_THE_MORNING
    held = members(person(quiet=(start, end)), WATER, "Moderate", BOTH, TEN_IN_THE_MORNING, IST).members.hold
    assert set(held.tolist()) == {int(found.timestamp()) if found else 0}


@pytest.mark.requirement("S003-07")
def test_an_emergency_does_not_wait_for_the_morning() -> None:
    sleeper = person(quiet=(0, 23 * 60))
    assert members(sleeper, WATER, "Moderate", {PUSH}, TEN_IN_THE_MORNING, IST).members.hold.all()
    assert not members(sleeper, WATER, "Severe", {PUSH}, TEN_IN_THE_MORNING, IST).members.hold.any()
