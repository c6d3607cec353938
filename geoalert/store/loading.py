"""Putting carried rows into an empty schema, and reading them back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from asyncpg.exceptions import PostgresError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from geoalert.errors import Conflict
from geoalert.store.carried import TO_STORE, Form, Row, changed
from geoalert.store.copying import copy_in
from geoalert.store.parts import Progress
from geoalert.store.source import Count, Source, StoreSource, Tally

PLACEHOLDER: Final = {"shape": "ST_GeomFromWKB(${}, 4326)"}  # COPY takes no shapes

NUMBER_ON: Final = text(
    "SELECT setval(its.sequence, :highest)"
    " FROM (SELECT CAST(pg_get_serial_sequence(:table, :key) AS regclass) AS sequence) AS its"
    " WHERE its.sequence IS NOT NULL"
)


@dataclass(frozen=True)
class Carried:
    """A table's rows as they were read, and as they were read back where they were put."""

    table: str
    read: Tally
    held: Tally

    @property
    def equal(self) -> bool:
        return self.read == self.held


async def load(connection: AsyncConnection, source: Source, progress: Progress) -> list[Carried]:
    """Puts all rows of the source in, each under its own number, and compares what then stands there.

    Raises:
        Conflict: a row does not fit, or what stands there is not what was read.
    """
    read = {}
    async with _triggers_off(connection, source.forms):
        for form in source.forms:
            count, expected = Count(), await source.expected(form)
            async for rows in source.rows(form):
                count.add(rows)
                await _add(connection, form, rows)
                progress(form.table, count.rows, expected)
            read[form.table] = count.tally
            await _number_on(connection, form, await source.highest(form))
    there = StoreSource(connection, source.revision, source.forms)
    carried = [Carried(form.table, read[form.table], await there.tally(form)) for form in source.forms]
    wrong = [each.table for each in carried if not each.equal]
    if wrong:
        raise Conflict(f"what was put is not what was read, in {', '.join(wrong)}; nothing was kept")
    return carried


async def _add(connection: AsyncConnection, form: Form, rows: list[Row]) -> None:
    dialect = connection.dialect.name
    ready = changed(rows, form, TO_STORE[dialect])
    try:
        if dialect == "sqlite":
            await _insert(connection, form, ready)
        else:
            await _copy(connection, form, ready)
    except (PostgresError, DBAPIError, ValueError, TypeError) as error:
        # Not the error's own words: they can hold values of the row.
        kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
        raise Conflict(f"a row of {form.table} does not fit the store ({kind}); nothing was kept") from None


async def _insert(connection: AsyncConnection, form: Form, rows: list[Row]) -> None:
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, form.names))
    places = ", ".join("?" * len(form.columns))
    query = f"INSERT INTO {form.table} ({names}) VALUES ({places})"  # noqa: S608 - names of ours
    await connection.exec_driver_sql(query, [tuple(row) for row in rows])


async def _copy(connection: AsyncConnection, form: Form, rows: list[Row]) -> None:
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None  # noqa: S101 - this connection is open
    if not any(kind in PLACEHOLDER for _, kind in form.columns):
        await copy_in(raw, form.table, form.names, rows)
        return
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, form.names))
    places = ", ".join(PLACEHOLDER.get(kind, "${}").format(number) for number, (_, kind) in enumerate(form.columns, 1))
    await raw.executemany(f"INSERT INTO {form.table} ({names}) VALUES ({places})", rows)  # noqa: S608 - names of ours


@asynccontextmanager
async def _triggers_off(connection: AsyncConnection, forms: Sequence[Form]) -> AsyncIterator[None]:
    """Rows come with what triggers once wrote beside them; written again, a million places would take their time each
    for nothing.
    """
    if connection.dialect.name == "postgresql":
        for form in forms:
            await connection.exec_driver_sql(f"ALTER TABLE {form.table} DISABLE TRIGGER USER")
        yield
        for form in forms:
            await connection.exec_driver_sql(f"ALTER TABLE {form.table} ENABLE TRIGGER USER")
        return
    found = await connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    triggers = found.all()
    for name, _ in triggers:
        await connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, made_by in triggers:
        await connection.exec_driver_sql(made_by)


async def _number_on(connection: AsyncConnection, form: Form, highest: int) -> None:
    """Numbers go on after the highest ever given, not after the highest that is left: a freed one must never name
    somebody else's.
    """
    if not form.numbered or not highest:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(NUMBER_ON, {"table": form.table, "key": form.key[0], "highest": highest})
        return
    counts = "SELECT count(*) FROM sqlite_master WHERE name = :table AND sql LIKE '%AUTOINCREMENT%'"
    if await connection.scalar(text(counts), {"table": form.table}):
        await connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": form.table})
        put = "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)"
        await connection.execute(text(put), {"table": form.table, "highest": highest})
