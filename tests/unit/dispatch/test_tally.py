"""Good answers are kept for half a second; whatever else is noted at once, after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from geoalert.dispatch.channels.channel import Verdict
from geoalert.dispatch.health import SLOW
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tally import EVERY, Tally

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)
WELL = (Verdict.ACCEPTED, Reason.NONE)


def test_the_first_is_noted_and_those_that_follow_at_once_are_kept() -> None:
    tally = Tally()
    assert not tally.keeps("a", {WELL: 3}, 0.1, NOON, at=100.0)
    assert not tally.taken("a", at=100.0)
    assert tally.keeps("a", {WELL: 4}, 0.1, NOON, at=100.0 + EVERY / 2)
    assert tally.keeps("a", {WELL: 5}, 0.1, LATER, at=100.0 + EVERY * 0.9)
    assert not tally.waiting(100.0 + EVERY * 0.9)
    assert list(tally.waiting(100.0 + EVERY)) == ["a"]
    assert not tally.keeps("a", {WELL: 6}, 0.1, NOON, at=100.0 + EVERY)
    assert tally.taken("a", at=100.0 + EVERY) == ({WELL: 9}, LATER)
    assert (list(tally.waiting(200.0)), tally.taken("a", at=201.0)) == ([], None)


def test_providers_are_told_apart() -> None:
    tally = Tally()
    tally.taken("a", at=100.0)
    assert tally.keeps("a", {WELL: 1}, 0.1, NOON, at=100.1)
    assert not tally.keeps("b", {WELL: 1}, 0.1, NOON, at=100.1)
    assert not tally.taken("b", at=100.1)
    assert list(tally.waiting(200.0)) == ["a"]


@pytest.mark.parametrize("other", [kind for kind in ((v, r) for v in Verdict for r in Reason) if kind != WELL])
def test_nothing_but_a_good_answer_is_kept(other: tuple[Verdict, Reason]) -> None:
    tally = Tally()
    tally.taken("a", at=100.0)
    assert not tally.keeps("a", {WELL: 500, other: 1}, 0.1, NOON, at=100.1)


def test_a_chunk_that_took_long_is_not_kept() -> None:
    tally = Tally()
    tally.taken("a", at=100.0)
    assert not tally.keeps("a", {WELL: 500}, SLOW + 0.1, NOON, at=100.1)
