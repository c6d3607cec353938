"""How a provider's answers move its share of the work, and how the share comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.health import (
    FIRST_SHARE,
    ILL,
    OPEN_AFTER,
    OPEN_FOR,
    RETURN,
    SLOW,
    fresh,
    let_return,
    observe,
    on_trial,
    share,
    used_today,
)
from geoalert.dispatch.reasons import Reason

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
GOOD = SendResult(Verdict.ACCEPTED)
REFUSED = SendResult(Verdict.REFUSED, Reason.UNREGISTERED)
BAD = SendResult(Verdict.RETRY, Reason.PROVIDER_ERROR)
SECOND = timedelta(seconds=1)


def kinds(results: Sequence[SendResult]) -> Counter[tuple[Verdict, Reason]]:
    return Counter((result.verdict, result.reason) for result in results)


def test_who_answers_well_has_the_whole_share() -> None:
    health = fresh("twilio", NOON)
    for _ in range(50):
        observe(health, kinds([GOOD, REFUSED]), 0.1, NOON, spread=0.5)
    assert (share(health, NOON), health.streak, used_today(health, NOON)) == (1.0, 0, 50)


@pytest.mark.parametrize("reason", sorted(ILL))
def test_a_share_sinks_with_ill_answers_and_comes_back_with_time(reason: Reason) -> None:
    health = fresh("twilio", NOON)
    observe(health, kinds([GOOD] * 60 + [SendResult(Verdict.UNCERTAIN, reason)] * 40), 0.1, NOON, spread=0.5)
    sunk = share(health, NOON)
    assert 0.5 < sunk < 0.7
    assert sunk < share(health, NOON + 120 * SECOND) <= 1.0
    assert share(health, NOON + 600 * SECOND) == 1.0


def test_a_few_ill_answers_among_many_move_nothing() -> None:
    health = fresh("twilio", NOON)
    observe(health, kinds([GOOD] * 90 + [BAD] * 10), 0.1, NOON, spread=0.5)
    assert share(health, NOON) == 1.0


def test_slow_answers_count_as_ill() -> None:
    health = fresh("twilio", NOON)
    observe(health, kinds([GOOD] * 100), SLOW + 1, NOON, spread=0.5)
    assert share(health, NOON) < 0.1
    assert health.open_until is None  # but it is not left alone: it does answer


def test_a_silent_provider_is_left_alone_longer_each_time_and_tried_by_one() -> None:
    health, now = fresh("twilio", NOON), NOON
    for opening, seconds in enumerate((*OPEN_FOR, OPEN_FOR[-1]), start=1):
        while health.open_until is None:
            observe(health, kinds([BAD] * 5), 0.1, now, spread=0.5)
        assert health.opens == opening
        assert health.open_until == now + seconds * SECOND
        assert share(health, now) == 0.0
        assert share(health, health.open_until + 100 * SECOND) == 0.0  # not before somebody has asked it
        now = health.open_until
        let_return(health, now)
        assert on_trial(health)
        observe(health, kinds([BAD] * 5), 10.0, now + SECOND, spread=0.5)  # asked before it was let back in
        assert on_trial(health)
        now += SECOND
    observe(health, kinds([GOOD]), 0.1, now, spread=0.5)
    assert not on_trial(health)
    back = health.returning_since
    assert back is not None
    now = back
    quiet = now + timedelta(seconds=RETURN)
    assert share(health, now) <= FIRST_SHARE < share(health, now + RETURN / 2 * SECOND) < share(health, quiet) == 1.0
    observe(health, kinds([GOOD]), 0.1, quiet, spread=0.5)
    assert (health.returning_since, health.opens) == (None, 0)


def test_one_good_answer_ends_a_streak() -> None:
    health = fresh("twilio", NOON)
    for _ in range(10):
        for _ in range(OPEN_AFTER - 1):
            observe(health, kinds([BAD]), 0.1, NOON, spread=0.5)
        observe(health, kinds([REFUSED]), 0.1, NOON, spread=0.5)
    assert health.open_until is None


def test_a_day_s_number_begins_anew_at_midnight_utc() -> None:
    health = fresh("twilio", NOON)
    observe(health, kinds([GOOD] * 3 + [BAD]), 0.1, NOON, spread=0.5)
    assert used_today(health, NOON) == 3
    assert used_today(health, NOON + timedelta(hours=12)) == 0
    observe(health, kinds([GOOD]), 0.1, NOON + timedelta(hours=12), spread=0.5)
    assert used_today(health, NOON + timedelta(hours=12)) == 1


def test_answers_given_before_others_were_noted_add_to_the_counts_and_do_not_outweigh_those() -> None:
    health, good = fresh("twilio", NOON), kinds([GOOD] * 4)
    observe(health, kinds([BAD] * 4), 0.1, NOON + 2 * SECOND, spread=0.5)
    observe(health, good, 0.0, NOON + 3 * SECOND, spread=0.5, said=NOON + SECOND)
    assert (health.streak, health.used, round(health.answers)) == (1, 4, 8)
    observe(health, good, 0.0, NOON + 4 * SECOND, spread=0.5, said=NOON + 4 * SECOND)
    assert (health.streak, health.used) == (0, 8)
