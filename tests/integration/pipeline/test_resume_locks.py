"""Letting parked batches go on while somebody ends their alert: one waits for the other, and neither is refused."""

from __future__ import annotations

import asyncio

from sqlalchemy import select, text, update

from geoalert.bootstrap import House
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.plan import Announced
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.operations.demo_story import ALL_CLEAR
from tests.stores import ON_POSTGRESQL
from tests.workbench import Chain


async def _until_waiting(house: House, sessions: int) -> None:
    """Until so many sessions of this database wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with house.store.reading() as session:
                if await session.scalar(waiting) == sessions:
                    return
            await asyncio.sleep(0.01)


async def _resumed(house: House) -> list[Announced]:
    async with house.store.writing() as session:
        return await resume_parked(session, house.desk.routes, "test")


@ON_POSTGRESQL
async def test_an_all_clear_and_a_resume_do_not_lock_each_other_out(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    house = chain.house
    async with house.store.writing() as session:
        await session.execute(update(Batch).values(state="parked", parked_for=Reason.CREDENTIAL))
    async with house.store.writing() as holding:  # as whoever folds a receipt does
        await holding.execute(select(Batch.id).with_for_update())
        resuming = asyncio.create_task(_resumed(house))
        await _until_waiting(house, 1)
        cancelling = asyncio.create_task(chain.cancel(identifier, ALL_CLEAR))
        await _until_waiting(house, 2)
    assert len(await resuming) == 1
    await cancelling
    async with house.store.reading() as session:
        batch = (await session.scalars(select(Batch))).one()
    assert (batch.state, list(batch.outcomes)) == ("done", [Outcome.CANCELLED])
