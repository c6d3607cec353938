"""The embedded store's driver, with one way to its thread and back for each statement.

aiosqlite goes there to make a cursor, to execute, to fetch and to close it: four ways, and each costs more than what
most statements do. Here the first rows come along, and a statement whose rows have all come is over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, Self

import aiosqlite

FIRST: Final = 1_000  # rows that come along; those beyond are fetched when asked for, perhaps in parts
CHUNK: Final = 64  # rows at a time for whoever iterates over aiosqlite's own cursors: nobody does


def connect(database: str, **options: Any) -> Connection:  # noqa: ANN401 - sqlite3's own
    """A connection that opens when it is awaited; its thread does not keep the process from ending."""
    made = Connection(partial(sqlite3.connect, database, **options), CHUNK)
    made._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does with those it makes itself
    return made


class Connection(aiosqlite.Connection):
    """Goes to the thread only for what it must."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    async def there(self, work: Callable[[sqlite3.Connection], Any]) -> Any:  # noqa: ANN401 - whatever it gives
        """What this gives in the driver's thread, after all that was handed over before."""
        return await self._execute(work, self._conn)  # type: ignore[no-untyped-call]

    async def fetchrow(self, question: str, *arguments: object) -> Any:  # noqa: ANN401 - a row
        """The one row this gives, or None, by the name it has with PostgreSQL's driver.

        Raises:
            sqlite3.Error: it could not be had.
        """
        try:
            return await self.there(lambda connection: connection.execute(question, arguments).fetchone())
        except ValueError as closed:  # so aiosqlite says that the connection is
            raise sqlite3.OperationalError(str(closed)) from closed

    async def rollback(self) -> None:
        """Nothing where there is no transaction: the pool asks for it whenever a connection comes back. Where a task
        was cancelled with a statement under way, SQLAlchemy closes the connection; with a question of `fetchrow` it
        comes back, and the next statement waits in the thread behind it.
        """
        if self.in_transaction:
            await super().rollback()


class Cursor:
    """What SQLAlchemy uses of a cursor. A statement ends when its rows have all come, when it fails or at `close`."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._done: sqlite3.Cursor | None = None  # of the last statement: it still tells what became of it
        self._first: list[Any] = []
        self._more = False

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401 - sqlite3's own
        return None if self._done is None else self._done.description

    @property
    def rowcount(self) -> int:
        return -1 if self._done is None else self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        return None if self._done is None else self._done.lastrowid

    async def execute(self, statement: str, parameters: Iterable[Any] = ()) -> Self:
        def work(connection: sqlite3.Connection) -> tuple[sqlite3.Cursor, list[Any]]:
            cursor = connection.cursor()
            try:
                cursor.execute(statement, parameters)  # type: ignore[arg-type]
                rows = cursor.fetchmany(FIRST)
            except BaseException:
                cursor.close()
                raise
            if len(rows) < FIRST:
                cursor.close()
            return cursor, rows

        await self.close()
        self._done, self._first = await self._connection.there(work)
        self._more = len(self._first) == FIRST
        return self

    async def executemany(self, statement: str, several: Iterable[Any]) -> Self:
        def work(connection: sqlite3.Connection) -> sqlite3.Cursor:
            cursor = connection.cursor()
            try:
                return cursor.executemany(statement, several)
            finally:
                cursor.close()

        await self.close()
        self._done = await self._connection.there(work)
        return self

    async def fetchone(self) -> Any:  # noqa: ANN401 - a row
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        count = size or self.arraysize
        rows, self._first = self._first[:count], self._first[count:]
        if len(rows) < count and self._more and (done := self._done) is not None:
            rows += await self._connection.there(lambda _: done.fetchmany(count - len(rows)))
        return rows

    async def fetchall(self) -> list[Any]:
        rows, self._first = self._first, []
        if self._more and (done := self._done) is not None:
            rows += await self._connection.there(lambda _: done.fetchall())
            await self.close()
        return rows

    async def close(self) -> None:
        self._first = []
        if self._more and (done := self._done) is not None:
            self._more = False
            await self._connection.there(lambda _: done.close())
