"""Whom a channel did not tell is told by their next, once per channel; whom it told, or who wants nothing, is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.operations.next_channel import NextChannel
from tests.changes import forget, set_addresses, set_person
from tests.integration.pipeline.followed import OVER, entries, fail, holds, say
from tests.workbench import Chain

BOTH = ("push", "sms")
Happening = Callable[[Chain, int], Awaitable[None]]


def failed(reason: Reason) -> Happening:
    async def happen(chain: Chain, person: int) -> None:
        await fail(chain, person, reason)

    return happen


async def carried(chain: Chain, _person: int) -> None:
    await chain.carry()


async def nothing(_chain: Chain, _person: int) -> None:
    """The provider is down, or no worker runs."""


async def confirmed(chain: Chain, person: int) -> None:
    await chain.carry()
    await say(chain, person, Status.DELIVERED)


async def failed_later(chain: Chain, person: int) -> None:
    await chain.carry()
    await say(chain, person, Status.FAILED, reason=Reason.UNREACHABLE)


async def token_removed(chain: Chain, person: int) -> None:
    await set_addresses(chain.house, person, "gone", "push")
    await chain.carry()


async def stopped_push(chain: Chain, person: int) -> None:
    await set_addresses(chain.house, person, "stopped", "push")
    await chain.carry()


async def withdrew(chain: Chain, person: int) -> None:
    await set_person(chain.house, person, consent=0)
    await chain.carry()


async def paused(chain: Chain, person: int) -> None:
    await set_person(chain.house, person, state="paused")
    await chain.carry()


async def erased(chain: Chain, person: int) -> None:
    await forget(chain.house, person)
    await chain.carry()


async def failed_and_stopped_sms(chain: Chain, person: int) -> None:
    await set_addresses(chain.house, person, "stopped", "sms")
    await fail(chain, person, Reason.UNREACHABLE)


async def failed_and_withdrew(chain: Chain, person: int) -> None:
    await set_person(chain.house, person, consent=0)
    await fail(chain, person, Reason.UNREACHABLE)


async def failed_and_paused(chain: Chain, person: int) -> None:
    await set_person(chain.house, person, state="paused")
    await fail(chain, person, Reason.UNREACHABLE)


NEVER = None
AT_ONCE, LATER = timedelta(0), OVER
# Severity, what happens on push, after how long is looked, and why SMS is used then (NEVER: it is not).
RULE: list[tuple[str, Happening, timedelta, Reason | None]] = [
    *(("Moderate", failed(reason), AT_ONCE, reason) for reason in (Reason.NONE, Reason.UNREACHABLE, Reason.STOPPED)),
    ("Minor", failed(Reason.UNREGISTERED), AT_ONCE, Reason.UNREGISTERED),
    ("Severe", failed(Reason.INVALID_ADDRESS), AT_ONCE, Reason.INVALID_ADDRESS),
    ("Moderate", failed_later, AT_ONCE, Reason.UNREACHABLE),
    ("Severe", failed_later, AT_ONCE, Reason.UNREACHABLE),
    ("Moderate", token_removed, AT_ONCE, Reason.ADDRESS_GONE),
    ("Moderate", stopped_push, AT_ONCE, Reason.OPTED_OUT),
    ("Moderate", withdrew, LATER, NEVER),
    ("Moderate", paused, LATER, NEVER),
    ("Severe", paused, LATER, NEVER),
    ("Severe", erased, LATER, NEVER),
    ("Moderate", failed_and_stopped_sms, AT_ONCE, NEVER),
    ("Moderate", failed_and_withdrew, AT_ONCE, NEVER),
    ("Severe", failed_and_withdrew, AT_ONCE, Reason.UNREACHABLE),
    ("Severe", failed_and_paused, AT_ONCE, NEVER),
    ("Moderate", carried, LATER, NEVER),
    ("Moderate", nothing, LATER, NEVER),
    ("Severe", carried, AT_ONCE, NEVER),
    ("Severe", carried, LATER, Reason.NOT_CONFIRMED),
    ("Severe", nothing, LATER, Reason.NOT_CONFIRMED),
    ("Severe", confirmed, LATER, NEVER),
]


@pytest.mark.parametrize(("severity", "happens", "after", "cause"), RULE)
@pytest.mark.requirement("S002-04")
async def test_every_row_of_the_rule(
    chain: Chain, severity: str, happens: Happening, after: timedelta, cause: Reason | None
) -> None:
    person, other = await chain.settle(channels=BOTH), await chain.settle(channels=("sms",))
    identifier, released = await chain.sent(severity=severity)
    assert (released.people, released.audience) == (2, 2)
    await happens(chain, person)
    chain.house.store.shift += after
    step = NextChannel(chain.house.desk)
    assert await step.look() == (0 if cause is NEVER else 1)
    assert await step.look() == 0
    assert await NextChannel(chain.house.desk).look() == 0  # a worker that remembers nothing
    found = await entries(chain, identifier, person)
    assert set(found) == ({"push"} if cause is NEVER else set(BOTH))
    if cause is not NEVER:
        assert (found["sms"].moved_for, found["push"].moved_for) == (cause, None)
        await chain.carry()
        assert (await entries(chain, identifier, person))["sms"].outcome == Outcome.ACCEPTED
    assert set(await entries(chain, identifier, other)) == {"sms"}
    await holds(chain, identifier)
