"""Many rows at once: PostgreSQL's binary COPY, out to numpy without a Python object for each, in from dictionaries."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from asyncpg.exceptions import DeadlockDetectedError, IntegrityConstraintViolationError
from sqlalchemy import Insert, Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.store.base import Base
from geoalert.store.begun import in_words_of_sqlalchemy
from geoalert.store.columns import Codes, short

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER = 19  # signature, flags, length of an empty extension: PostgreSQL's "Binary Format" of COPY
TRAILER = 2
WIDTH = 8  # of a bigint
NULL = -1  # in place of a length
OTHER_ROWS = "COPY gave other rows than asked for"
FEW = 10  # rows that go by INSERT


async def raw_connection(session: AsyncSession) -> Any:  # noqa: ANN401 - asyncpg's own, which has no stubs
    """The driver's connection inside the session's open transaction.

    Raises:
        RuntimeError: no transaction is open; what the driver did would be seen or kept on its own.
    """
    raw = await bare_connection(session)
    if raw is None or not raw.is_in_transaction():
        msg = "needs the open transaction of its session"
        raise RuntimeError(msg)
    return raw


async def asked(session: AsyncSession, question: str, *arguments: object) -> Any:  # noqa: ANN401 - a row of the driver's
    """The one row that the store answers, or None, straight of its driver: for what is asked too often for
    SQLAlchemy's way. `arguments` stand for $1, $2, … on PostgreSQL and ?1, ?2, … on SQLite.

    Raises:
        DBAPIError: it could not be had; in place of the driver's own errors.
    """
    raw = await bare_connection(session)
    try:
        return await raw.fetchrow(question, *arguments)
    except Exception as error:
        if (said := in_words_of_sqlalchemy(error)) is not None:
            raise said from error
        raise
    except BaseException:
        if session.get_bind().dialect.name != "postgresql":
            raise  # its thread answers in turn, and gives what nobody waits for any more to nobody
        # Nobody may take what is on its way for the answer to something else, or wait for it to come.
        await asyncio.shield(asyncio.create_task((await session.connection()).invalidate()))
        raise


async def bare_connection(session: AsyncSession) -> Any:  # noqa: ANN401 - as above
    """The driver's connection as it is. What goes wrong there is raised as the driver says it, until it leaves the
    block of `Store.reading` or `Store.writing`; with `Store.looking` the caller sees to both.
    """
    if session.in_transaction():  # it has its connection: there is nothing to wait for
        return session.sync_session.connection().connection.driver_connection
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def add_rows(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows that all name the same columns, in whatever order, in the session's transaction.

    By COPY where there is one: 20,000 people with their places and addresses took 1.8 s instead of 7.7 s by INSERTs.

    Raises:
        ValueError: a row names other columns than the first.
        IntegrityError: a row breaks a rule of the table, or somebody else adds the same rows in another order.
    """
    if not rows:
        return
    names = rows[0].keys()
    if any(row.keys() != names for row in rows):  # COPY goes by position, and an INSERT would leave out what is extra
        msg = f"rows of {model.__tablename__} do not all name the same columns"
        raise ValueError(msg)
    await add_records(session, model, list(names), [[row[name] for name in names] for row in rows])


async def add_records(
    session: AsyncSession, model: type[Base], names: Sequence[str], records: Sequence[Sequence[Any]]
) -> None:
    """As `add_rows`, with the values of each row in the order of these columns.

    Raises:
        IntegrityError: as there.
    """
    await add_made(session, model, names, len(records), lambda: records)


async def add_made(
    session: AsyncSession,
    model: type[Base],
    names: Sequence[str],
    count: int,
    made: Callable[[], Sequence[Sequence[Any]]],
) -> None:
    """As `add_records`, with so many that are made while the server gets ready for them.

    Raises:
        IntegrityError: as there; and what `made` raises.
    """
    table = cast("Table", model.__table__)
    # A COPY first asks the server about the table and its types: more than the few rows of one person are worth.
    if session.get_bind().dialect.name != "postgresql" or count <= FEW:
        # Core, not ORM: the ORM starts a new statement at each row whose set of empty columns differs.
        await session.execute(_insert(table), [dict(zip(names, record, strict=True)) for record in made()])
        return
    raw = await raw_connection(session)
    codes = [column for column, name in enumerate(names) if isinstance(table.c[name].type, Codes)]

    async def records() -> AsyncIterator[Sequence[Any]]:  # the driver asks for them when it has asked for the COPY
        for record in _as_held(made(), codes):
            yield record

    try:
        await copy_in(raw, table.name, names, records())
    except (IntegrityConstraintViolationError, DeadlockDetectedError) as error:
        raise IntegrityError(f"COPY {table.name}", None, error) from None


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


async def copy_in(
    raw: Any,  # noqa: ANN401 - the driver's connection
    table: str,
    names: Sequence[str],
    records: Iterable[Sequence[Any]] | AsyncIterable[Sequence[Any]],
) -> None:
    """A COPY of these rows. Whatever goes wrong is raised as the driver says it.

    Where the connection ended while more was written than it took, the driver would wait for ever until it takes more:
    then it is told to go on, and finds out.
    """
    protocol = raw._protocol  # noqa: SLF001 - it has no other way

    def go_on(_: object) -> None:
        protocol.resume_writing()

    raw.add_termination_listener(go_on)
    try:
        await raw.copy_records_to_table(table, records=records, columns=names)
    finally:
        raw.remove_termination_listener(go_on)


def _as_held(records: Sequence[Sequence[Any]], codes: Sequence[int]) -> Sequence[Sequence[Any]]:
    """With what stands in these columns as the store holds it. The driver knows of the other types by itself."""
    if not codes:
        return records
    held = [list(record) for record in records]
    for record in held:
        for column in codes:
            record[column] = short(record[column])
    return held


async def copy_out(session: AsyncSession, query: str, *arguments: object, columns: int) -> NDArray[np.int64]:
    """Rows of a query of so many bigint columns, none of them NULL, as an array (rows, columns).

    `arguments` stand for $1, $2, … of the query. It runs in the session's transaction, on its snapshot.
    """
    whole = await _copied(session, query, arguments)
    row = _row(columns)
    count, rest = divmod(len(whole), row.itemsize)
    if rest:
        raise RuntimeError(OTHER_ROWS)
    return np.frombuffer(whole, dtype=row, count=count)["parts"]["value"].astype(np.int64)


async def copy_out_apart(
    session: AsyncSession, query: str, *arguments: object, columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `copy_out`, of rows whose last column is NULL in those that come first and in none that comes after: the ones
    without that column, and the others. A NULL is neither written out nor brought over.

    Raises:
        RuntimeError: they come in another order.
    """
    whole = await _copied(session, query, arguments)
    without = np.dtype([*_row(columns - 1).descr, ("last", ">i4")])
    first = np.frombuffer(whole, dtype=without, count=len(whole) // without.itemsize)
    other = np.flatnonzero(first["last"] != NULL)
    count = int(other[0]) if len(other) else len(first)
    left, row = memoryview(whole)[count * without.itemsize :], _row(columns)
    if len(left) % row.itemsize:
        raise RuntimeError(OTHER_ROWS)
    after = np.frombuffer(left, dtype=row)
    if (after["fields"] != columns).any() or (after["parts"]["length"] != WIDTH).any():
        raise RuntimeError(OTHER_ROWS)
    return first["parts"]["value"][:count].astype(np.int64), after["parts"]["value"].astype(np.int64)


def _row(columns: int) -> np.dtype[np.void]:
    return np.dtype([("fields", ">i2"), ("parts", [("length", ">i4"), ("value", ">i8")], (columns,))])


async def _copied(session: AsyncSession, query: str, arguments: Sequence[object]) -> bytearray:
    """The rows as PostgreSQL writes them out."""
    raw = await raw_connection(session)
    whole = bytearray()

    async def take(part: bytes) -> None:
        whole.extend(part)

    await raw.copy_from_query(query, *arguments, output=take, format="binary")
    if struct.unpack(">h", whole[-TRAILER:]) != (-1,):
        raise RuntimeError(OTHER_ROWS)
    del whole[-TRAILER:], whole[:HEADER]
    return whole
