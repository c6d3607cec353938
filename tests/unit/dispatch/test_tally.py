"""Good answers are kept for half a second at most; whatever else is noted at once, after them."""

from __future__ import annotations

import pytest

from geoalert.dispatch.channels.channel import Verdict
from geoalert.dispatch.health import SLOW
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tally import EVERY, Tally

WELL = (Verdict.ACCEPTED, Reason.NONE)


def test_the_first_is_noted_and_those_that_follow_at_once_are_kept() -> None:
    tally = Tally()
    assert not tally.keeps("a", {WELL: 3}, 0.1, at=100.0)
    assert not tally.taken("a", at=100.0)
    assert tally.keeps("a", {WELL: 4}, 0.1, at=100.0 + EVERY / 2)
    assert tally.keeps("a", {WELL: 5}, 0.1, at=100.0 + EVERY * 0.9)
    assert list(tally.waiting()) == ["a"]
    assert not tally.keeps("a", {WELL: 6}, 0.1, at=100.0 + EVERY)
    assert tally.taken("a", at=100.0 + EVERY) == {WELL: 9}
    assert (list(tally.waiting()), dict(tally.taken("a", at=101.0))) == ([], {})


def test_providers_are_told_apart() -> None:
    tally = Tally()
    tally.taken("a", at=100.0)
    assert tally.keeps("a", {WELL: 1}, 0.1, at=100.1)
    assert not tally.keeps("b", {WELL: 1}, 0.1, at=100.1)
    assert not tally.taken("b", at=100.1)
    assert list(tally.waiting()) == ["a"]


@pytest.mark.parametrize("other", [kind for kind in ((v, r) for v in Verdict for r in Reason) if kind != WELL])
def test_nothing_but_a_good_answer_is_kept(other: tuple[Verdict, Reason]) -> None:
    tally = Tally()
    tally.taken("a", at=100.0)
    assert not tally.keeps("a", {WELL: 500, other: 1}, 0.1, at=100.1)


def test_a_chunk_that_took_long_is_not_kept() -> None:
    tally = Tally()
    tally.taken("a", at=100.0)
    assert not tally.keeps("a", {WELL: 500}, SLOW + 0.1, at=100.1)
