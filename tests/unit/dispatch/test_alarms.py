"""The table of alarms: what is one, from when on, and what a look that does not know leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from geoalert.dispatch.alarms import (
    AT_ONCE,
    CRITICAL,
    LASTING,
    RULES,
    WARNING,
    Condition,
    Known,
    Signal,
    Step,
    conditions,
    steps,
    to_tell,
)
from geoalert.dispatch.reasons import Reason

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LOW = {"twilio": 50.0, "fcm": 0.0}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def only(*signals: Signal) -> Condition | None:
    found = list(conditions(signals, LOW, NOW).values())
    assert len(found) <= 1
    return found[0] if found else None


CREDENTIAL = Signal("halted", "twilio", 0, Reason.CREDENTIAL, ago(hours=1))
BEGINS: list[tuple[Signal, str, str, timedelta]] = [
    (CREDENTIAL, "halt:twilio:0", CRITICAL, AT_ONCE),
    (Signal("halted", "fcm", 7, Reason.TEMPLATE, NOW), "halt:fcm:7", CRITICAL, AT_ONCE),
    (Signal("unwell", "fcm", 0, Reason.TIMEOUT, ago(minutes=9)), "check:fcm", WARNING, LASTING),
    (Signal("left alone", "fcm", at=NOW + timedelta(seconds=20)), "alone:fcm", WARNING, LASTING),
    (Signal("returning", "fcm", at=ago(seconds=59)), "alone:fcm", WARNING, LASTING),
    (Signal("balance", "twilio", at=NOW, amount=49.99), "balance:twilio", WARNING, AT_ONCE),
    (Signal("waits", at=ago(seconds=61)), "lane:emergency", CRITICAL, AT_ONCE),
    (Signal("parked", at=ago(days=3)), "parked:emergency", CRITICAL, AT_ONCE),
    (Signal("staff", "fcm", 0, Reason.CREDENTIAL, ago(hours=30), state="failed"), "staff:fcm", WARNING, AT_ONCE),
    (Signal("staff", "fcm", 0, Reason.TIMEOUT, NOW, state="unknown"), "staff:fcm", WARNING, AT_ONCE),
    (Signal("staff", "fcm", at=ago(minutes=3), state="sending"), "staff:fcm", WARNING, AT_ONCE),
]
NEVER: list[Signal] = [
    Signal("unwell", "fcm", 0, Reason.TIMEOUT, ago(hours=25)),  # no longer configured
    Signal("left alone", "fcm", at=ago(hours=25)),
    Signal("returning", "fcm", at=ago(seconds=61)),
    Signal("balance", "twilio", at=NOW, amount=50.0),
    Signal("balance", "fcm", at=NOW, amount=0.0),
    Signal("waits", at=ago(seconds=60)),
    Signal("waits", at=NOW + timedelta(hours=1)),
    Signal("staff", "fcm", at=NOW, state="accepted"),
    Signal("staff", "fcm", 0, Reason.CREDENTIAL, ago(hours=49), state="failed"),
]
KEEPS: list[Signal] = [
    Signal("unwell", "fcm", 0, Reason.TIMEOUT, ago(minutes=11)),  # nobody has asked since
    Signal("left alone", "fcm", at=ago(minutes=11)),
    Signal("balance", "gupshup", at=NOW, amount=0.0),  # another worker knows what is low there
    Signal("balance", "twilio", at=ago(hours=2), amount=1.0),
    Signal("staff", "fcm", at=ago(minutes=1), state="sending"),
]


@pytest.mark.parametrize(("signal", "key", "severity", "lasting"), BEGINS)
def test_what_is_an_alarm(signal: Signal, key: str, severity: str, lasting: timedelta) -> None:
    found = only(signal)
    assert found is not None
    assert (found.key, found.severity, found.lasting, found.firm) == (key, severity, lasting, True)


@pytest.mark.parametrize("signal", NEVER)
def test_what_is_none(signal: Signal) -> None:
    assert only(signal) is None


@pytest.mark.parametrize("signal", KEEPS)
def test_what_is_not_known_keeps_an_alarm_and_begins_none(signal: Signal) -> None:
    found = only(signal)
    assert found is not None
    assert not found.firm
    known = Known(found.key, ago(hours=1), said_at=ago(hours=1))
    seen = Known(found.key, ago(hours=1))
    for there in ({}, {found.key: known}, {found.key: seen}):
        assert list(steps(there, {found.key: found}, NOW)) == []


def test_every_rule_is_shown() -> None:
    assert {signal.kind for signal, *_ in BEGINS} == set(RULES)


def test_a_credential_that_was_said_to_be_refused_is_not_said_again_by_the_check() -> None:
    unwell = Signal("unwell", "twilio", 0, Reason.CREDENTIAL, NOW)
    found = conditions([CREDENTIAL, unwell], LOW, NOW)
    assert {key: condition.firm for key, condition in found.items()} == {"halt:twilio:0": True, "check:twilio": False}
    of_a_message = Signal("halted", "twilio", 7, Reason.TEMPLATE, NOW)
    assert conditions([of_a_message, unwell], LOW, NOW)["check:twilio"].firm


def test_words_are_one_plain_sentence_without_a_number_of_anything() -> None:
    for signal, *_ in BEGINS:
        found = only(signal)
        assert found is not None
        assert len(found.words) < 120
        assert not any(sign.isdigit() for sign in found.words), found.words


LASTS = Condition("check:fcm", WARNING, "it does not answer", NOW, LASTING)
SUDDEN = Condition("halt:fcm:0", CRITICAL, "it stands still", ago(seconds=5))


@pytest.mark.parametrize(
    ("row", "condition", "step"),
    [
        (None, SUDDEN, Step.SAID),
        (None, LASTS, Step.SEEN),
        (Known("check:fcm", ago(seconds=119)), LASTS, None),
        (Known("check:fcm", ago(seconds=120)), LASTS, Step.SAID),
        (Known("check:fcm", ago(minutes=9), ago(minutes=7)), LASTS, None),
        (Known("check:fcm", ago(minutes=9), ago(minutes=7), ago(seconds=3), "alarm"), LASTS, Step.SAID),
        (Known("check:fcm", ago(seconds=90)), None, Step.PASSED),
        (Known("check:fcm", ago(minutes=9), ago(minutes=7)), None, Step.ENDED),
        (Known("check:fcm", ago(minutes=9), ago(minutes=7), ago(seconds=3), "alarm"), None, None),
    ],
)
def test_what_becomes_of_an_alarm(row: Known | None, condition: Condition | None, step: Step | None) -> None:
    known = {} if row is None else {row.key: row}
    found = {} if condition is None else {condition.key: condition}
    assert [taken for _, taken in steps(known, found, NOW)] == ([] if step is None else [step])


@pytest.mark.parametrize(
    ("said", "ended", "told", "next_"),
    [
        (False, False, "", ""),
        (True, False, "", "alarm"),
        (True, False, "alarm", ""),
        (True, True, "", "alarm"),  # it ended before the pager heard of it: both, in order
        (True, True, "alarm", "ended"),
        (True, True, "ended", ""),
        (True, False, "ended", "alarm"),  # it began again while its end was told
    ],
)
def test_what_the_pager_hears_next(*, said: bool, ended: bool, told: str, next_: str) -> None:
    assert to_tell(NOW if said else None, NOW if ended else None, told) == next_
