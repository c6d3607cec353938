"""Who leaves when: turns that did not come, places in the pace, clocks that step back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from geoalert.dispatch.canary import ask_providers
from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.channels.channel import Chunk, SendResult
from geoalert.dispatch.channels.wire import NOT_BEGUN
from geoalert.dispatch.halts import halt
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.pacing import LONGEST
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Pace, ProviderHealth
from geoalert.store import database_now
from tests.integration.dispatch.conftest import Depot
from tests.integration.dispatch.moments import SECOND, ago, known, rounds, told
from tests.integration.dispatch.scripted import Scripted
from tests.waiting import until

ACCEPTED = Outcome.ACCEPTED


async def test_whose_turn_did_not_come_goes_with_the_next_chunk(depot: Depot) -> None:
    """A provider that is slower than its rate is not ill, and nobody waits for a retry because of it."""

    class Slow(Scripted):
        async def send(self, chunk: Chunk) -> list[SendResult]:
            answers = await super().send(chunk)
            return [answer if number < 10 else NOT_BEGUN for number, answer in enumerate(answers)]

    a = Slow("a")
    courier = await told(depot, 60, a)
    await rounds(depot, courier)
    assert await depot.outcomes() == {ACCEPTED: 60}
    assert a.sent[:3] == [5, 50, 10]
    async with courier.store.reading() as session:
        (health,) = await session.scalars(select(ProviderHealth))
    assert (health.ill, health.streak) == (0.0, 0)


async def test_a_clock_that_steps_back_does_not_keep_a_provider_out(depot: Depot) -> None:
    a = Scripted("a")
    courier = await told(depot, 10, a)
    hour = timedelta(hours=1)
    for column in ("open_until", "probe_until", "checked_at"):
        await known(depot, "a", opens=1, **{"open_until": ago(), column: lambda now: now + hour})
        await courier.carry((await depot.batch()).id)  # nobody carries: it waits, and not for an hour
        async with courier.store.reading() as session:
            assert (await depot.batch()).not_before < await database_now(session) + timedelta(minutes=1)
        await ask_providers(courier.store, courier.channels.values(), lambda: 0.5)
        async with courier.store.writing() as session:
            (health,) = await session.scalars(select(ProviderHealth))
            assert (column, health.open_until) == (column, None)
            await session.delete(health)
    await known(
        depot, "a", streak=3, opens=1, returning_since=lambda now: now + hour, probe_until=lambda now: now + hour
    )
    await rounds(depot, courier, 2)
    assert await depot.outcomes() == {ACCEPTED: 10}


async def test_a_pause_counts_while_the_pace_is_waited_for(depot: Depot) -> None:
    a = Scripted("a")
    courier = await told(depot, 5, a)
    async with courier.store.writing() as session:
        full = (await database_now(session)).timestamp() + LONGEST  # more than four seconds of room for the pause
        session.add(Pace(name="a:sms:emergency", tat=full))

    async def booked() -> bool:
        async with courier.store.reading() as session:
            return await session.scalar(select(Pace.tat)) != full

    async def stop() -> None:
        await until(booked, "the place was booked")
        assert a.sent == []
        async with courier.store.writing() as session:
            await halt(session, "a", ANY_MESSAGE, Reason.PAUSED, "test", emergencies=True)

    await asyncio.gather(stop(), *(courier.carry(batch.id) for batch in await depot.batches()))
    assert (a.sent, await depot.outcomes()) == ([], {Outcome.PENDING: 5})


async def test_however_many_workers_book_their_sends_keep_the_rate(depot: Depot) -> None:
    """Who would wait for long books nothing, and comes back."""
    a = Scripted("a")
    courier = await told(depot, 10, a)
    async with courier.store.writing() as session:
        full = (await database_now(session)).timestamp() + 8.0
        session.add(Pace(name="a:sms:emergency", tat=full))
    assert await courier.carry((await depot.batch()).id) is not None
    batch = await depot.batch()
    assert (batch.state, batch.attempts, a.sent) == ("queued", 0, [])
    async with courier.store.writing() as session:
        assert await session.scalar(select(Pace.tat)) == full
        assert SECOND * 0 < batch.not_before - await database_now(session) <= 8 * SECOND
        await session.execute(update(Pace).values(tat=full + 3_600))  # the clock has stepped back by an hour
    await rounds(depot, courier, 2)
    assert await depot.outcomes() == {ACCEPTED: 10}
