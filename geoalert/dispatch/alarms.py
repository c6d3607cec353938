"""What deserves a person's attention, as a table of rules, and what becomes of an alarm: pure, no clock, no store.

A condition that must last before it counts is seen first and said later. What is not known at a look (a provider of
another worker, one that was not asked for a while) neither begins an alarm nor ends one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from geoalert.dispatch.reasons import Reason

CRITICAL: Final = "critical"  # people are not told, or will not be
WARNING: Final = "warning"  # they will not be, if nobody looks
AT_ONCE: Final = timedelta(0)
LASTING: Final = timedelta(minutes=2)
LATE: Final = timedelta(seconds=60)  # of an emergency's batch
RETURNED: Final = timedelta(seconds=60)  # in which a provider that was let back in may yet be left alone again
FRESH: Final = timedelta(minutes=10)  # after which what was noted of a provider says nothing of now
FORGOTTEN: Final = timedelta(days=1)  # and after which nobody waits for more: it is no longer configured
IN_DOUBT: Final = timedelta(minutes=2)  # who sent the staff's message has crashed
OF_THE_DAY: Final = timedelta(days=2)  # how long a day's message stands for how a provider is


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that the store says now, of a kind that a rule knows."""

    kind: str
    subject: str = ""  # a provider; a lane
    number: int = 0  # a message's, where it is about one
    reason: Reason = Reason.NONE
    at: datetime | None = None
    amount: float = 0.0
    state: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What a rule may know beside its signal. `low` is the least balance of each provider this worker has, `halted`
    are the providers that stand still.
    """

    now: datetime
    low: Mapping[str, float]
    halted: Collection[str] = ()

    def age(self, at: datetime | None) -> timedelta:
        return timedelta(0) if at is None else self.now - at


@dataclass(frozen=True, slots=True)
class Condition:
    """Something is wrong now; it is an alarm when it has been for as long as it must last. One that is not `firm`
    begins none: it only keeps the one there is.
    """

    key: str
    severity: str
    words: str
    since: datetime
    lasting: timedelta = AT_ONCE
    firm: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """An alarm as it stands in the store."""

    key: str
    since: datetime
    said_at: datetime | None = None
    ended_at: datetime | None = None
    told: str = ""


class Step(StrEnum):
    """What becomes of one alarm."""

    SEEN = "seen"  # a row is made; it is an alarm when it lasts
    SAID = "said"  # it is an alarm now
    PASSED = "passed"  # it was none after all
    ENDED = "ended"


Rule = Callable[[Signal, View], Condition | None]


def _halted(signal: Signal, view: View) -> Condition:
    what = f"a message at {signal.subject}" if signal.number else signal.subject
    return Condition(
        f"halt:{signal.subject}:{signal.number}",
        CRITICAL,
        f"{what} stands still until somebody acts: {_named(signal.reason)}",
        signal.at or view.now,
    )


def _unwell(signal: Signal, view: View) -> Condition | None:
    words = f"{signal.subject} does not answer well when asked about us: {_named(signal.reason)}"
    return _of_provider(f"check:{signal.subject}", words, signal, view, known=signal.subject not in view.halted)


def _left_alone(signal: Signal, view: View) -> Condition | None:
    words = f"{signal.subject} has been left alone for minutes: it does not answer"
    return _of_provider(f"alone:{signal.subject}", words, signal, view)


def _returning(signal: Signal, view: View) -> Condition | None:
    """It answers when asked about us; the next chunk shows whether it carries."""
    return _left_alone(signal, view) if view.age(signal.at) < RETURNED else None


def _balance(signal: Signal, view: View) -> Condition | None:
    low = view.low.get(signal.subject)
    if low is not None and signal.amount >= low:
        return None
    words = f"the balance at {signal.subject} is low"
    return _of_provider(f"balance:{signal.subject}", words, signal, view, lasting=AT_ONCE, known=low is not None)


def _of_provider(
    key: str, words: str, signal: Signal, view: View, *, lasting: timedelta = LASTING, known: bool = True
) -> Condition | None:
    age = view.age(signal.at)
    if age > FORGOTTEN:
        return None
    return Condition(key, WARNING, words, view.now, lasting, firm=known and age <= FRESH)


def _waits(signal: Signal, view: View) -> Condition | None:
    if view.age(signal.at) <= LATE:
        return None
    words = "batches of the emergency lane are due and wait for longer than a minute"
    return Condition("lane:emergency", CRITICAL, words, signal.at or view.now)


def _parked(signal: Signal, view: View) -> Condition:
    del signal
    words = "batches of the emergency lane are set aside until somebody acts"
    return Condition("parked:emergency", CRITICAL, words, view.now)


def _staff(signal: Signal, view: View) -> Condition | None:
    age, provider = view.age(signal.at), signal.subject
    if signal.state == "accepted" or age > OF_THE_DAY:
        return None
    if signal.state == "failed":
        words = f"the daily message to staff failed at {provider}: {_named(signal.reason)}"
        return Condition(f"staff:{provider}", WARNING, words, signal.at or view.now)
    words = f"nobody knows whether the daily message to staff left by {provider}"
    firm = signal.state == "unknown" or age > IN_DOUBT
    return Condition(f"staff:{provider}", WARNING, words, signal.at or view.now, firm=firm)


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "halted": _halted,
        "unwell": _unwell,
        "left alone": _left_alone,
        "returning": _returning,
        "balance": _balance,
        "waits": _waits,
        "parked": _parked,
        "staff": _staff,
    }
)


def conditions(signals: Collection[Signal], low: Mapping[str, float], now: datetime) -> dict[str, Condition]:
    """What is wrong by these signals, by key."""
    halted = {signal.subject for signal in signals if signal.kind == "halted" and not signal.number}
    view = View(now, low, halted)
    found: dict[str, Condition] = {}
    for signal in signals:
        condition = RULES[signal.kind](signal, view)
        if condition is not None and (condition.key not in found or condition.firm):
            found[condition.key] = condition
    return found


def steps(known: Mapping[str, Known], found: Mapping[str, Condition], now: datetime) -> Iterator[tuple[str, Step]]:
    """What is to become of which alarm. One that begins again before the pager has heard of its end goes on."""
    for key, condition in found.items():
        row = known.get(key)
        if not condition.firm or (row is not None and row.said_at is not None and row.ended_at is None):
            continue
        since = condition.since if row is None else row.since
        again = row is not None and row.ended_at is not None
        if again or now - since >= condition.lasting:
            yield key, Step.SAID
        elif row is None:
            yield key, Step.SEEN
    for key, row in known.items():
        if key not in found and row.ended_at is None:
            yield key, Step.PASSED if row.said_at is None else Step.ENDED


def to_tell(said_at: datetime | None, ended_at: datetime | None, told: str) -> str:
    """What the pager is to hear next: alarm, ended, or nothing. It hears of an end only after the beginning."""
    if said_at is None:
        return ""
    if ended_at is None:
        return "" if told == "alarm" else "alarm"
    return {"": "alarm", "alarm": "ended"}.get(told, "")


def _named(reason: Reason) -> str:
    return reason.name.lower().replace("_", " ")
