"""Which provider carries: by weight, by health, by what stands still."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from geoalert.dispatch.carrier import Carrier, Situation, Stopped, Wait, choose
from geoalert.dispatch.channels.log import LogChannel
from geoalert.dispatch.health import fresh
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Halt, ProviderHealth

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ROUTINE, EXTREME = 5, 0
SPREADS = [step / 1000 for step in range(1000)]
A, B = LogChannel("sms", "a"), LogChannel("sms", "b")


def situation(*health: ProviderHealth, halts: tuple[Halt, ...] = (), priority: int = ROUTINE) -> Situation:
    return Situation(NOON, priority, {row.provider: row for row in health}, halts)


def chosen(now: Situation, *, begun: bool = False) -> Counter[str]:
    found = [choose(now, [A, B], "a", begun=begun, spread=spread) for spread in SPREADS]
    return Counter(each.channel.provider for each in found if isinstance(each, Carrier))


def ill(provider: str, share: float) -> ProviderHealth:
    row = fresh(provider, NOON)
    row.answers, row.ill = 1e6, 1e6 * share
    return row


def halted(provider: str, reason: Reason, *, emergencies: bool = True) -> Halt:
    return Halt(provider=provider, message_id=0, reason=reason, at=NOON, by="test", emergencies=emergencies)


def test_what_has_begun_stays_with_who_works() -> None:
    assert chosen(situation(), begun=True) == {"a": 1000}
    assert chosen(situation()) == {"a": 500, "b": 500}


def test_work_moves_as_far_as_a_provider_is_ill() -> None:
    found = chosen(situation(ill("a", 0.75)), begun=True)
    assert found["a"] / found["b"] == pytest.approx(0.25, abs=0.01)


def test_an_emergency_goes_to_the_healthier() -> None:
    assert chosen(situation(ill("a", 0.3), priority=EXTREME), begun=True) == {"b": 1000}


def test_who_is_left_alone_gets_nothing_and_the_wait_ends_with_the_first() -> None:
    alone = fresh("a", NOON)
    alone.open_until = NOON + timedelta(seconds=7)
    assert chosen(situation(alone)) == {"b": 1000}
    both = fresh("b", NOON)
    both.open_until = NOON + timedelta(seconds=3)
    assert choose(situation(alone, both), [A, B], "a", begun=True, spread=0.5) == Wait(both.open_until)


def test_what_stands_still_is_not_used_and_says_why() -> None:
    refused = halted("a", Reason.CREDENTIAL)
    assert chosen(situation(halts=(refused,))) == {"b": 1000}
    found = choose(situation(halts=(halted("b", Reason.QUOTA), refused)), [A, B], "a", begun=False, spread=0.5)
    assert found == Stopped(Reason.CREDENTIAL)


def test_a_pause_of_routine_work_lets_emergencies_through() -> None:
    paused = halted("", Reason.PAUSED, emergencies=False)
    assert choose(situation(halts=(paused,)), [A, B], "a", begun=False, spread=0.5) == Stopped(Reason.PAUSED)
    assert chosen(situation(halts=(paused,), priority=EXTREME)).total() == 1000
