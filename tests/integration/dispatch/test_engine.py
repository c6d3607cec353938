"""The seam, on both engines: what is committed and due reaches a handler, whatever happens to the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text

from geoalert.alerts import find_alert
from geoalert.dispatch.engine.seam import CONCURRENCY
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Announced
from geoalert.operations.release import release
from tests.integration.dispatch.conftest import Depot
from tests.quiet import ALL_DAY
from tests.stores import ON_POSTGRESQL
from tests.waiting import until
from tests.workbench import WATER_SUPPLY

LANGUAGES = ("mr", "hi", "en")
STOPS = 5.0  # seconds in which an idle engine ends


@dataclass
class Hands:
    """A handler that remembers what it was given."""

    carry: Callable[[int], Awaitable[timedelta | None]]
    given: Counter[int] = field(default_factory=Counter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, batch_id: int) -> timedelta | None:
        self.given[batch_id] += 1
        return await self.carry(batch_id)


@asynccontextmanager
async def working(depot: Depot, carry: Callable[[int], Awaitable[timedelta | None]]) -> AsyncIterator[Hands]:
    """The engine at work for the length of a block; it ends when told to."""
    hands = Hands(carry)
    house = depot.chain.house
    running = asyncio.create_task(
        house.desk.engine.run(hands, {found.name for found in house.channels.values()}, hands.stopping)
    )
    try:
        yield hands
    finally:
        hands.stopping.set()
        await asyncio.wait_for(running, STOPS)


async def jobs(depot: Depot) -> int:
    """What PgQueuer holds; nothing is ever announced beside an embedded store."""
    if depot.chain.house.store.dialect == "sqlite":
        return 0
    async with depot.chain.house.store.reading() as session:
        return int((await session.execute(text("SELECT count(*) FROM pgqueuer"))).scalar_one())


async def test_a_due_batch_reaches_the_handler_and_a_held_one_waits(depot: Depot) -> None:
    await depot.settle(1)
    await depot.settle(1, quiet=ALL_DAY)

    async def done(number: int) -> bool:
        return (await depot.outcomes())[Outcome.ACCEPTED] == number

    async with working(depot, depot.courier.carry):
        for number in (1, 2):  # when the second has gone, the engine has looked again since it saw the first
            await depot.chain.sent()  # while it runs: nobody tells it but the store
            await until(lambda number=number: done(number), "what is due has gone")  # type: ignore[misc]
        assert await depot.outcomes() == {Outcome.ACCEPTED: 2, Outcome.HELD: 2}
        await depot.awake()
        await until(lambda: done(4), "what was held has gone")
    assert depot.seen() == (4, 2, 0)


async def test_what_is_rolled_back_is_not_announced(depot: Depot) -> None:
    await depot.settle(1)
    identifier = await depot.chain.approved()
    house = depot.chain.house
    officer = await depot.chain.actor(depot.chain.officers.officers[WATER_SUPPLY][1])
    with pytest.raises(ZeroDivisionError):
        async with house.store.writing() as session:
            await release(session, house.desk, officer, await find_alert(session, identifier))
            raise ZeroDivisionError
    assert await depot.batches() == []
    assert await jobs(depot) == 0
    await depot.chain.send(identifier)
    assert await jobs(depot) == (house.store.dialect == "postgresql")


async def test_a_handler_that_fails_stops_nobody_else(depot: Depot) -> None:
    for language in LANGUAGES:
        await depot.settle(1, language=language)
    await depot.chain.sent()
    unlucky = (await depot.batches())[0].id

    async def carry(batch_id: int) -> timedelta | None:
        if batch_id == unlucky:
            raise ZeroDivisionError
        return await depot.courier.carry(batch_id)

    async with working(depot, carry) as hands:
        await until(lambda: depot.seen()[1] == len(LANGUAGES) - 1 and hands.given[unlucky], "the others are told")
    states = {batch.id: batch.state for batch in await depot.batches()}
    assert states.pop(unlucky) == "queued"
    assert set(states.values()) == {"done"}


async def test_an_emergency_does_not_queue_behind_routine(depot: Depot) -> None:
    for channel in ("push", "sms"):
        for language in LANGUAGES:
            await depot.settle(1, channel, language=language)
    for _ in range(2):
        await depot.chain.sent()
    routine = {batch.id for batch in await depot.batches()}
    assert len(routine) > 2 * CONCURRENCY["routine"]
    leave = asyncio.Event()

    async def carry(batch_id: int) -> timedelta | None:
        if batch_id in routine:
            await leave.wait()
        return await depot.courier.carry(batch_id)

    async with working(depot, carry) as hands:
        await until(lambda: sum(hands.given.values()) >= CONCURRENCY["routine"], "routine has all its hands full")
        await depot.chain.broadcast(channels=("push",))
        await until(lambda: depot.seen()[1] == len(LANGUAGES), "the emergency has gone")
        assert set(hands.given) & routine < routine
        leave.set()
        await until(lambda: depot.seen("sms")[1] == len(LANGUAGES) and set(hands.given) >= routine, "routine follows")


@ON_POSTGRESQL
async def test_every_worker_has_hands_of_its_own(depot: Depot) -> None:
    for language in LANGUAGES:
        await depot.settle(1, language=language)
    for _ in range(3):
        await depot.chain.sent()
    routine = CONCURRENCY["routine"]
    assert len(await depot.batches()) > 2 * routine
    leave = asyncio.Event()

    async def carry(batch_id: int) -> timedelta | None:
        await leave.wait()
        return await depot.courier.carry(batch_id)

    async with working(depot, carry) as one, working(depot, carry) as other:
        await until(lambda: one.given.total() + other.given.total() >= 2 * routine, "both have their hands full")
        await asyncio.sleep(0.3)  # they look for more meanwhile
        assert (one.given.total(), other.given.total()) == (routine, routine)
        leave.set()
        await until(lambda: depot.seen()[0] == len(LANGUAGES) * 3, "all are told")
    assert not (set(one.given) & set(other.given))


@ON_POSTGRESQL
async def test_what_the_engine_loses_is_found_again(depot: Depot) -> None:
    await depot.settle(1)
    await depot.chain.sent()
    async with depot.chain.house.store.writing() as session:
        await session.execute(text("TRUNCATE pgqueuer"))
    await depot.later()  # overdue
    async with working(depot, depot.courier.carry):
        await until(lambda: depot.seen()[1] == 1, "it is told")


@ON_POSTGRESQL
async def test_nothing_is_announced_outside_a_transaction(depot: Depot) -> None:
    house = depot.chain.house
    async with house.store.looking() as session:
        with pytest.raises(RuntimeError, match="transaction"):
            await house.desk.engine.enqueue(session, [Announced(1, 5, 1)])
    assert await jobs(depot) == 0


@ON_POSTGRESQL
async def test_what_is_announced_before_anything_else_goes_with_its_transaction(depot: Depot) -> None:
    house = depot.chain.house
    for kept in (False, True):
        async with house.store.writing() as session:
            await house.desk.engine.enqueue(session, [Announced(1, 5, 1)])
            if not kept:
                await session.rollback()
        assert await jobs(depot) == kept
