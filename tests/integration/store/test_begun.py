"""PostgreSQL's transactions are begun and ended by ourselves: none is half there, none is left to the next."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError, ProgrammingError

from geoalert.bootstrap import House
from geoalert.dispatch.tables import Pace
from geoalert.errors import Outdated
from geoalert.store import Store, database_now, open_store
from geoalert.store.copying import bare_connection, raw_connection
from tests.stores import ON_POSTGRESQL, administrator

pytestmark = ON_POSTGRESQL
ADD = text("INSERT INTO pace (name, tat) VALUES (:name, 0)")


@pytest.fixture(params=["of a known schema", "of any schema"])
async def alone(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """The store by one connection, so that the next transaction gets what the last one left."""
    store = open_store(house.store.engine.url.render_as_string(hide_password=False), house.store.keys, pool=1)
    if request.param == "of a known schema":
        await house.require_current()
        store.revision = house.store.revision
    yield store
    await store.close()


async def names(store: Store) -> list[str]:
    async with store.reading() as session:
        return list(await session.scalars(select(Pace.name).order_by(Pace.name)))


async def test_what_was_written_is_there_for_the_next(alone: Store) -> None:
    async with alone.writing() as session:
        await session.execute(ADD, {"name": "kept"})
    assert await names(alone) == ["kept"]


async def test_a_block_that_raises_keeps_nothing(alone: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with alone.writing() as session:
            await session.execute(ADD, {"name": "undone"})
            raise ZeroDivisionError
    assert await names(alone) == []


async def test_who_goes_on_after_a_failed_statement_is_told_that_nothing_was_kept(alone: Store) -> None:
    """The server answers COMMIT with ROLLBACK then, and calls it no error."""
    with pytest.raises(InvalidRequestError, match="ended by ROLLBACK"):
        async with alone.writing() as session:
            await session.execute(ADD, {"name": "undone"})
            with pytest.raises(ProgrammingError):
                await session.execute(text("SELECT nothing FROM nowhere"))
    assert await names(alone) == []


async def test_a_savepoint_keeps_the_rest(alone: Store) -> None:
    async with alone.writing() as session:
        await session.execute(ADD, {"name": "kept"})
        with pytest.raises(ProgrammingError):
            async with session.begin_nested():
                await session.execute(ADD, {"name": "undone"})
                await session.execute(text("SELECT nothing FROM nowhere"))
    assert await names(alone) == ["kept"]


async def test_who_is_called_off_leaves_nothing_open(alone: Store) -> None:
    async def slow() -> None:
        async with alone.writing() as session:
            await session.execute(ADD, {"name": "undone"})
            await (await raw_connection(session)).execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.wait_for(names(alone), 10) == []


@pytest.mark.parametrize("kind", ["reading", "writing", "looking"])
@pytest.mark.parametrize("asks", ["the clock", "for rows"])
async def test_who_is_called_off_does_not_wait_for_a_server_that_is_silent(alone: Store, kind: str, asks: str) -> None:
    """Nor does the next, who would otherwise get the connection on which an answer is still awaited."""
    stopped: list[int] = []

    async def ask() -> None:
        async with getattr(alone, kind)() as session:
            driver = await bare_connection(session)
            stopped.append(driver.get_server_pid())
            os.kill(stopped[0], signal.SIGSTOP)
            await (database_now(session) if asks == "the clock" else session.execute(text("SELECT 1")))

    task = asyncio.create_task(ask())
    try:
        await asyncio.sleep(0.3)
        task.cancel()
        ended, _ = await asyncio.wait({task}, timeout=10)
        assert ended
        assert task.cancelled()
        assert await asyncio.wait_for(names(alone), 10) == []
    finally:
        os.kill(stopped[0], signal.SIGCONT)


async def test_what_was_begun_behind_our_back_ends_before_the_next(alone: Store) -> None:
    async with alone.looking() as session:
        driver = (await (await session.connection()).get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)
        await driver.execute("BEGIN; INSERT INTO pace (name, tat) VALUES ('undone', 0)")
    assert not driver.is_in_transaction()
    assert await names(alone) == []


async def test_a_reading_sees_one_moment_and_writes_nothing(alone: Store, house: House) -> None:
    async with alone.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Pace)) == 0
        async with house.store.writing() as other:
            await other.execute(ADD, {"name": "later"})
        assert await session.scalar(select(func.count()).select_from(Pace)) == 0
        with pytest.raises(DBAPIError, match="read-only"):
            await session.execute(ADD, {"name": "never"})
    assert await names(alone) == ["later"]


async def test_a_look_sees_each_moment(alone: Store, house: House) -> None:
    async with alone.looking() as session:
        assert await session.scalar(select(func.count()).select_from(Pace)) == 0
        async with house.store.writing() as other:
            await other.execute(ADD, {"name": "later"})
        assert await session.scalar(select(func.count()).select_from(Pace)) == 1


@pytest.mark.parametrize("kind", ["reading", "writing", "looking"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_connection_lost_on_the_way_is_a_failure_of_the_store(
    alone: Store, kind: str, *, at_once: bool
) -> None:
    """Also where the driver was asked without SQLAlchemy between: who answers for the store knows one kind of error."""
    with pytest.raises(DBAPIError) as caught:
        async with getattr(alone, kind)() as session:
            driver = await bare_connection(session)
            async with administrator() as admin:
                assert await admin.fetchval("SELECT pg_terminate_backend($1)", driver.get_server_pid())
            await asyncio.sleep(0 if at_once else 0.2)
            await database_now(session)
    assert caught.value.connection_invalidated or getattr(caught.value.orig, "sqlstate", "").startswith(("08", "57"))
    assert await names(alone) == []


async def test_numbers_asked_of_the_driver_fail_as_the_store_does(alone: Store) -> None:
    with pytest.raises(DBAPIError):
        async with alone.writing() as session:
            driver = await raw_connection(session)
            async with administrator() as admin:
                assert await admin.fetchval("SELECT pg_terminate_backend($1)", driver.get_server_pid())
            await driver.fetch("SELECT 1")
    assert await names(alone) == []


async def test_a_store_taken_back_to_before_the_first_schema_is_not_written(house: House) -> None:
    await house.require_current()
    async with house.store.unbegun().connect() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(Outdated, match="schema none"):
        async with house.store.writing() as session:
            await session.execute(ADD, {"name": "never"})
    assert house.store.outdated.is_set()
    assert await names(house.store) == []
