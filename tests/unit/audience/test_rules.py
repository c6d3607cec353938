"""Who is told, walked as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from geoalert.audience.rules import Candidate, members, quiet_until

IST = ZoneInfo("Asia/Kolkata")
TEN_IN_THE_MORNING = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
PUSH, SMS = 1, 2
WATER = 0


def person(**changes: object) -> Candidate:
    values: dict[str, object] = {
        "subscriber": 7,
        "language": 1,
        "categories": 1 << WATER,
        "min_severity": 1,
        "quiet_from": None,
        "quiet_to": None,
        "consent": True,
        "addresses": [(70, PUSH), (71, SMS)],
    }
    return Candidate(**(values | changes))  # type: ignore[arg-type]


CASES = [
    ({}, "Moderate", [70]),
    ({"addresses": [(71, SMS), (70, PUSH)]}, "Moderate", [71]),
    ({}, "Extreme", [70, 71]),
    ({}, "Severe", [70, 71]),
    ({"categories": 0}, "Moderate", []),
    ({"categories": 0}, "Severe", []),
    ({"categories": 0}, "Extreme", [70, 71]),
    ({"min_severity": 3}, "Moderate", []),
    ({"min_severity": 3}, "Severe", [70, 71]),
    ({"min_severity": 4}, "Severe", [70, 71]),
    ({"consent": False}, "Moderate", []),
    ({"consent": False}, "Severe", [70, 71]),
    ({"addresses": []}, "Extreme", []),
    ({"addresses": [(80, 6)]}, "Extreme", []),
]


@pytest.mark.parametrize(("changes", "severity", "told"), CASES)
@pytest.mark.requirement("S002-04", "S003-07")
def test_who_is_told_by_what(changes: dict[str, object], severity: str, told: list[int]) -> None:
    found = members(person(**changes), WATER, severity, frozenset({PUSH, SMS}), TEN_IN_THE_MORNING, IST)
    assert [member.address for member in found] == told


@pytest.mark.requirement("S002-03")
def test_without_push_an_sms_still_goes_to_all_who_chose_it() -> None:
    found = members(person(), WATER, "Moderate", frozenset({SMS}), TEN_IN_THE_MORNING, IST)
    assert [member.address for member in found] == [71]


QUIET = [
    (None, None, None),
    (9 * 60, 11 * 60, "05:30"),
    (10 * 60, 11 * 60, "05:30"),  # the first minute is quiet
    (8 * 60, 10 * 60, None),  # the last is not
    (22 * 60, 7 * 60, None),
    (22 * 60, 12 * 60, "06:30"),  # over midnight, morning half
    (9 * 60, 1 * 60, "19:30"),  # over midnight, evening half: ends tomorrow, UTC the same day
]


@pytest.mark.parametrize(("start", "end", "over"), QUIET)
def test_when_quiet_hours_end(start: int | None, end: int | None, over: str | None) -> None:
    found = quiet_until(start, end, TEN_IN_THE_MORNING, IST)
    assert (found and f"{found:%H:%M}") == over
    assert found is None or found > TEN_IN_THE_MORNING


def test_an_emergency_does_not_wait_for_the_morning() -> None:
    sleeper = person(quiet_from=0, quiet_to=23 * 60)
    calm = members(sleeper, WATER, "Moderate", frozenset({PUSH}), TEN_IN_THE_MORNING, IST)
    flood = members(sleeper, WATER, "Severe", frozenset({PUSH}), TEN_IN_THE_MORNING, IST)
    assert calm[0].hold_until is not None
    assert flood[0].hold_until is None
