"""Looks, latecomers, answers and time in any order: each channel names a person once, and the books balance."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from sqlalchemy import select

from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.outcomes import Outcome, is_dead_end
from geoalert.dispatch.reasons import Reason
from geoalert.operations.latecomers import Latecomers
from geoalert.operations.next_channel import NextChannel
from geoalert.subscribers.codes import CHANNEL_NAMES
from geoalert.subscribers.tables import Address
from tests.changes import add_sms
from tests.conftest import Providers
from tests.extent import seeded
from tests.integration.pipeline.followed import entries, holds, say
from tests.workbench import Chain

BOTH = ("push", "sms")
ANSWERS = (
    (Status.DELIVERED, Reason.NONE),
    (Status.FAILED, Reason.UNREACHABLE),
    (Status.FAILED, Reason.UNREGISTERED),
)


async def channels(chain: Chain, person: int, *states: str) -> set[str]:
    """Of their addresses that are in one of these states, or of all."""
    async with chain.house.store.reading() as session:
        theirs = (Address.owner_kind == "subscriber") & (Address.owner_id == person)
        rows = await session.execute(select(Address.channel, Address.state).where(theirs))
        return {CHANNEL_NAMES[channel] for channel, state in rows if not states or state in states}


async def answer(chain: Chain, identifier: str, person: int, chance: random.Random) -> None:
    """A receipt, of whichever of their channels a provider had."""
    left = await entries(chain, identifier, person)
    handed = [name for name, entry in left.items() if entry.outcome > Outcome.SENDING]
    if handed:
        status, reason = chance.choice(ANSWERS)
        await say(chain, person, status, channel=chance.choice(handed), reason=reason)


@seeded(4)
async def test_in_any_order_of_looks_and_answers_nobody_stands_twice_on_a_channel(
    chain: Chain, providers: Providers, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - an order to happen in
    orders = (BOTH, ("sms", "push"), ("push",), ("sms",))
    people = [await chain.settle(channels=chance.choice(orders)) for _ in range(8)]
    identifier, _ = await chain.sent(severity=chance.choice(["Severe", "Moderate"]))
    desk = chain.house.desk
    looks = [NextChannel(desk).look, NextChannel(desk).look, Latecomers(desk).look]
    for _ in range(25):
        happens = chance.choice(["look", "look", "carry", "time", "say", "join", "add"])
        if happens == "look":
            await asyncio.gather(*(look() for look in chance.sample(looks, 2)))
        elif happens == "carry":
            await chain.carry()
        elif happens == "time":
            chain.house.store.shift += timedelta(minutes=chance.choice([1, 6]))
        elif happens == "join":
            people.append(await chain.settle(channels=chance.choice(orders)))
        elif happens == "add":
            person = chance.choice(people)
            if await channels(chain, person) == {"push"}:
                await add_sms(chain.house, person)
        else:
            await answer(chain, identifier, chance.choice(people), chance)
        await holds(chain, identifier)
    for look in (*looks, *looks):
        await look()
    for person in people:
        found = await entries(chain, identifier, person)
        at_an_end = all(is_dead_end(entry.outcome, entry.reason) for entry in found.values())
        assert found
        assert not at_an_end or await channels(chain, person, "active") <= set(found)
    await holds(chain, identifier)
    await chain.carry()
    counts = providers.sandbox.channels()
    assert [counts[name]["doubled"] for name in BOTH] == [0, 0]
