"""The table of what is done with a doubt, cell by cell, and the table of waits."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoalert.dispatch.channels.channel import Idempotency
from geoalert.dispatch.doubt import PATIENCE, POLICY, Settle
from geoalert.dispatch.handed import hand_on, hand_to, provider_of
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.picking import Picked, Tried, pick, settling
from geoalert.dispatch.plan import PRIORITY
from geoalert.dispatch.retry import ROUTINE, URGENT, delay_after
from geoalert.dispatch.tables import Batch
from tests.unit.dispatch.stand_in import StandIn

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
DOUBT, WAITS = Outcome.UNCERTAIN, Outcome.PENDING


def batch(*outcomes: Outcome, severity: str = "Moderate", since: timedelta = timedelta(0)) -> Batch:
    return Batch(
        id=1,
        provider="a",
        priority=PRIORITY[severity],
        size=len(outcomes),
        outcomes=bytes(outcomes),
        unasked_since=NOW - since,
    )


# What is done first with one in doubt and one who waits: (kind, severity) to who is next, and whether by asking.
FIRST = {
    ("keyed", "Moderate"): ([0], False),
    ("keyed", "Extreme"): ([0], False),
    ("replaced", "Moderate"): ([0], False),
    ("replaced", "Extreme"): ([0], False),
    ("lookup", "Moderate"): ([0], True),
    ("lookup", "Extreme"): ([0], True),
    ("none", "Moderate"): ([1], False),
    ("none", "Extreme"): ([0], False),
}


@pytest.mark.parametrize(("kind", "severity"), FIRST)
def test_every_cell_of_the_table(kind: str, severity: str) -> None:
    channel = StandIn("a", Idempotency(kind))
    found = pick(batch(DOUBT, WAITS, severity=severity), channel, Tried(), frozenset(), NOW)
    assert (found.positions, found.ask) == FIRST[kind, severity]


def test_the_table_is_whole() -> None:
    assert set(POLICY) == set(itertools.product(Idempotency, (True, False)))
    assert len(FIRST) == len(POLICY)
    assert set(POLICY.values()) == set(Settle)


def test_who_was_asked_about_in_vain_is_told_after_a_while_if_it_is_urgent() -> None:
    channel = StandIn("a", Idempotency.LOOKUP)
    tried = Tried(at={(0, "a")}, unanswered={0})
    for severity, since, again in (
        ("Severe", PATIENCE, [0]),
        ("Severe", PATIENCE / 2, []),
        ("Moderate", 2 * PATIENCE, []),
    ):
        assert settling(batch(DOUBT, severity=severity, since=since), channel, tried, NOW).positions == again


def test_who_the_provider_never_had_is_told() -> None:
    tried = Tried(at={(0, "a")}, lost={0})
    assert settling(batch(DOUBT), StandIn("a", Idempotency.LOOKUP), tried, NOW) == Picked([0])


def test_a_doubt_of_another_provider_is_left_to_it_unless_it_is_urgent_and_out_of_reach() -> None:
    other = StandIn("b", Idempotency.LOOKUP)
    for severity, since, unreachable, told in (
        ("Moderate", 2 * PATIENCE, {"a"}, []),
        ("Severe", 2 * PATIENCE, set(), []),
        ("Severe", PATIENCE / 2, {"a"}, []),
        ("Severe", PATIENCE, {"a"}, [0]),
    ):
        found = pick(batch(DOUBT, severity=severity, since=since), other, Tried(), frozenset(unreachable), NOW)
        assert found.positions == told, (severity, since, unreachable)


def test_it_is_known_who_had_whom_last() -> None:
    made = batch(Outcome.ACCEPTED, DOUBT, WAITS, WAITS)
    assert [provider_of(made, position) for position in range(4)] == ["a"] * 4
    hand_on(made, "b")
    assert [provider_of(made, position) for position in range(4)] == ["a", "a", "b", "b"]
    made.outcomes = bytes([Outcome.ACCEPTED, DOUBT, Outcome.ACCEPTED, WAITS])
    hand_on(made, "c")
    hand_on(made, "a")
    assert [provider_of(made, position) for position in range(4)] == ["a", "a", "b", "a"]
    hand_to(made, [1], "c")
    assert [provider_of(made, position) for position in range(4)] == ["a", "c", "b", "a"]


@given(
    st.integers(1, 100),
    st.booleans(),
    st.floats(0, 300),
    st.floats(0.2, 1e6),
    st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_as_asked_within_the_table_and_leaves_time_for_another_try(
    attempt: int, urgent: bool, asked: float, left: float, spread: float
) -> None:
    found = delay_after(attempt, urgent=urgent, asked=asked, left=left, spread=spread)
    steps = URGENT if urgent else ROUTINE
    assert 0 < found <= left / 2
    assert found <= max(asked, steps[-1])
    assert found >= min(asked, left / 2)
