"""An empty place for a whole store: what is put there is there altogether, or not at all.

An embedded store is made beside its place and takes it when it is whole; on PostgreSQL one transaction is the same.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from geoalert.errors import Conflict, Invalid
from geoalert.store.in_use import CUT_OFF, refuse_open_database, refuse_open_file
from geoalert.store.keys import KeyRing
from geoalert.store.migrations import alone
from geoalert.store.parts import keep
from geoalert.store.sessions import Store, open_store
from geoalert.store.source import PATIENT

NOT_ROWS: Final = ("sqlite_", "alembic_version", "pgqueuer")
HAS_ROWS: Final = "{} has rows ({}); name an empty place, or restore with --replace; nothing was written"
OUR_FUNCTIONS: Final = text(
    "SELECT CAST(CAST(oid AS regprocedure) AS text) FROM pg_proc"
    r" WHERE proname LIKE 'geoalert\_%' AND pronamespace = CAST(current_schema() AS regnamespace)"
)


@dataclass(frozen=True)
class Place:
    """Where a store is to stand. With `replace` one that has rows gives way: a file is set aside, a database's rows
    are dropped.
    """

    url: str
    keys: KeyRing
    metadata: MetaData
    replace: bool = False


@asynccontextmanager
async def landing(
    place: Place, prepare: Callable[[Store], Awaitable[None]]
) -> AsyncIterator[tuple[Store, AsyncConnection]]:
    """A database without tables, and a transaction in it that is kept when the block ends. `prepare` may make what is
    none of our tables.

    Raises:
        Conflict: it is in use, or has rows and is not to be replaced. Nothing was written then.
    """
    address = make_url(place.url)
    if address.get_backend_name() != "sqlite":
        async with _database(place, prepare) as made:
            yield made
    elif not address.database or address.database == ":memory:":
        raise Invalid("an embedded store is a file; name it: sqlite:///var/geoalert.db")
    else:
        async with _file(place, _real(address.database)) as made:
            yield made


@asynccontextmanager
async def _file(place: Place, path: Path) -> AsyncIterator[tuple[Store, AsyncConnection]]:
    refuse_open_file(path)
    full = _full(path)
    if full and not place.replace:
        raise Conflict(HAS_ROWS.format(path, full))
    log = path.with_name(f"{path.name}-wal")
    if log.exists():  # it would be taken for the new store's
        raise Conflict(f"{log} lies there without its store; move it away")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    store = open_store(str(make_url(place.url).set(database=str(draft))), place.keys)
    try:
        try:
            async with store.engine.execution_options(geoalert_begin="BEGIN IMMEDIATE").begin() as connection:
                yield store, connection
            await _settled(store)
        finally:
            await store.close()
        keep(draft)
        refuse_open_file(path)  # somebody may have opened the old one meanwhile
        if full:
            os.link(path, _aside(path))
        draft.replace(path)
        keep(path.parent)
    finally:
        for suffix in ("", "-wal", "-shm"):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _real(name: str) -> Path:
    """Where a link leads: it stays a link."""
    return Path(name).resolve()


def _full(path: Path) -> str:
    """The first table with rows in it; empty where there is none."""
    if not path.exists():
        return ""
    with closing(sqlite3.connect(path)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for name in names:
            if not name.startswith(NOT_ROWS) and file.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone():  # noqa: S608
                return str(name)
    return ""


def _aside(path: Path) -> Path:
    """Where a replaced store is kept."""
    return path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")


async def _settled(store: Store) -> None:
    """Everything in one file, and that file as SQLite wants it."""
    async with store.unbegun().connect() as connection:
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        found = [row[0] for row in await connection.execute(text("PRAGMA integrity_check"))]
        orphans = (await connection.execute(text("PRAGMA foreign_key_check"))).all()
    if found != ["ok"] or orphans:
        raise Conflict("the file that was made does not pass SQLite's own check; nothing was kept")


@asynccontextmanager
async def _database(
    place: Place, prepare: Callable[[Store], Awaitable[None]]
) -> AsyncIterator[tuple[Store, AsyncConnection]]:
    store = open_store(place.url, place.keys)
    try:
        await store.refuse_unsafe()
        await refuse_open_database(store)
        async with store.engine.connect() as connection:
            tables = await connection.run_sync(_ours, place.metadata)
            full = [name for name in tables if await connection.scalar(text(f"SELECT 1 FROM {name} LIMIT 1"))]  # noqa: S608
        if set(full) - {"alembic_version"} and not place.replace:
            name = min(set(full) - {"alembic_version"})
            raise Conflict(HAS_ROWS.format(f"the database {store.engine.url.database}", name))
        await prepare(store)
        async with store.engine.begin() as connection:
            await alone(connection)
            await connection.execute(PATIENT)
            await _clear(connection, tables)
            yield store, connection
            await connection.execute(CUT_OFF)  # whoever came in meanwhile works on the store of before
    finally:
        await store.close()


def _ours(connection: Connection, metadata: MetaData) -> list[str]:
    return [name for name in inspect(connection).get_table_names() if name in {*metadata.tables, "alembic_version"}]


async def _clear(connection: AsyncConnection, tables: list[str]) -> None:
    if tables:
        await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        await connection.execute(text(f"DROP TABLE {', '.join(tables)} CASCADE"))
        await connection.execute(text("SET LOCAL lock_timeout = 0"))
    for function in list(await connection.scalars(OUR_FUNCTIONS)):
        await connection.execute(text(f"DROP FUNCTION {function} CASCADE"))
