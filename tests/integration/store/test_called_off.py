"""Whoever is called off in the middle of a transaction: nothing of it stays, and nobody else is held up by it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from sqlalchemy import func, select

from geoalert.audit import append, verify
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.store.copying import asked
from tests.stores import ON_SQLITE

SLOW = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT max(i) FROM n"


@ON_SQLITE
async def test_whoever_gives_up_waiting_to_write_leaves_nothing_begun(house: House) -> None:
    """The driver's thread goes on waiting, and begins when everybody else has forgotten it."""

    async def write() -> None:
        async with house.store.writing() as session:
            await append(session, "test", "thing.done", "x", {})

    path = house.store.engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(write())
        await asyncio.sleep(0.2)
        waiting.cancel()
        await asyncio.sleep(0.1)
        other.execute("COMMIT")
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        await asyncio.sleep(0.3)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    await write()
    async with house.store.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == 1


@ON_SQLITE
async def test_who_is_called_off_twice_takes_nobody_else_along(house: House) -> None:
    """A deadline beside a client that leaves: the second comes while the first is still undone."""

    async def ask() -> None:
        async with house.store.writing() as session:
            await append(session, "test", "thing.left", "x", {})
            await asked(session, SLOW, 3_000_000)

    async def write() -> None:
        async with house.store.writing() as session:
            await append(session, "test", "thing.done", "x", {})

    for pause in (0, 0, 0.01, 0.05):
        asking = asyncio.create_task(ask())
        await asyncio.sleep(0.1)
        beside = [asyncio.create_task(write()) for _ in range(3)]
        for _ in range(3):
            asking.cancel()
            await asyncio.sleep(pause)
        await asyncio.wait({asking})
        assert asking.cancelled()
        await asyncio.gather(*beside)
    async with house.store.reading() as session:
        actions = list(await session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "x")))
    assert actions == ["thing.done"] * 12
    assert (await verify(house.store))[2] is None
