"""Two kinds of session, on two kinds of store.

`reading()` sees one snapshot. `writing()` commits at its end or not at all. On SQLite the driver's own transactions
are switched off and ours begin IMMEDIATE behind one in-process lock: read-then-write under the driver's default lost
updates in trial.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from geoalert.errors import Invalid, Outdated, Unavailable
from geoalert.store import begun
from geoalert.store.base import Base
from geoalert.store.copying import asked
from geoalert.store.handing import connect
from geoalert.store.keys import KeyRing
from geoalert.store.reach import notice_silence
from geoalert.store.revision import hold, holding

BUSY_MS = 10_000
EMBEDDED = 15  # connections to an embedded store, kept once they were opened
ABANDONED_MS = 60_000  # a client that froze inside a transaction gives up its locks after this (PostgreSQL)
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
SETTINGS_THAT_LOSE = ("fsync", "synchronous_commit", "full_page_writes")
_NOW = "SELECT clock_timestamp()"


class Store:
    """An open store. `shift` moves its clock, for drills and demos; every session carries the key ring."""

    def __init__(self, engine: AsyncEngine, keys: KeyRing, shift: timedelta, connections: int = 1) -> None:
        self.connections = connections  # that may write at one time without waiting for each other
        self.engine = engine
        self.keys = keys
        self.shift = shift
        self.dialect = engine.dialect.name
        self.outdated = asyncio.Event()  # somebody was refused because the store is of another revision
        self._revision: str | None = None
        self._one_writer = asyncio.Lock()
        if self.dialect == "sqlite":
            self._reader = engine
            self._writer = engine.execution_options(geoalert_begin="BEGIN IMMEDIATE")
            self._unbegun = engine.execution_options(geoalert_begin="")
        else:
            self._reader = engine.execution_options(**{begun.WORDS: begun.READING})
            self._writer = engine
            self._unbegun = engine.execution_options(**{begun.WORDS: ""})

    @property
    def revision(self) -> str | None:
        """The store's, once it is known to be this program's: no transaction writes under another."""
        return self._revision

    @revision.setter
    def revision(self, revision: str | None) -> None:
        self._revision = revision
        if self.dialect == "postgresql":
            words = begun.BEGIN if revision is None else holding(revision)
            self._writer = self.engine.execution_options(**{begun.WORDS: words})

    def _session(self, engine: AsyncEngine) -> AsyncSession:
        return AsyncSession(engine, expire_on_commit=False, info={"keys": self.keys, "shift": self.shift})

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one snapshot and writes nothing."""
        session = await self._begun(self._reader)
        async with _undone_where_it_fails(session):
            yield session
        await _close(session)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A session that commits when the block ends and rolls back when it raises.

        Raises:
            Outdated: the store was brought to another schema since it was found to be of this program's.
        """
        async with self._one_writer if self.dialect == "sqlite" else nullcontext():
            revision = self._revision  # the one that begins it
            session = await self._begun(self._writer)
            async with _undone_where_it_fails(session):
                await self._hold(session, revision)
                yield session
                await session.commit()
            session.sync_session.close()  # the connection is back already: nothing to wait for

    async def _begun(self, engine: AsyncEngine) -> AsyncSession:
        """A session whose transaction has begun. On PostgreSQL that also shows whether the connection answers: where it
        does not, nothing was done yet, and one that was tested is taken.
        """
        if self.dialect == "sqlite":
            return await self._begin(engine)
        try:
            with begun.asked_first():
                return await self._begin(engine)
        except TimeoutError:
            raise  # whoever waited so long for a connection need not wait so long again
        except (DBAPIError, OSError):
            return await self._begin(engine)

    async def _begin(self, engine: AsyncEngine) -> AsyncSession:
        session = self._session(engine)
        async with _undone_where_it_fails(session):
            await session.connection()
        return session

    async def _hold(self, session: AsyncSession, revision: str | None) -> None:
        if revision is None:
            return
        try:
            await hold(session, revision)
        except Outdated:
            self.outdated.set()
            raise

    def apart(self, connections: int) -> Store:
        """The same store by connections of its own, for reading: whoever holds all of ours does not hold these up."""
        url = self.engine.url.render_as_string(hide_password=False)
        return open_store(url, self.keys, shift=self.shift, pool=connections)

    def unbegun(self) -> AsyncEngine:
        """For what must be read outside any transaction."""
        return self._unbegun

    def looking(self) -> AsyncSession:
        """A session without a transaction: each statement sees the moment it is asked, and none begins or ends
        anything. For one question; or to be kept open, and then a question costs no taking, testing and giving back of
        a connection either. For reading; whoever has it closes it.
        """
        return self._session(self.unbegun())

    async def close(self) -> None:
        await self.engine.dispose()

    async def refuse_unsafe(self) -> None:
        """Refuses a PostgreSQL that acknowledges before it has written.

        Raises:
            Unavailable: names the setting.
        """
        if self.dialect != "postgresql":
            return
        async with self.reading() as session:
            for setting in SETTINGS_THAT_LOSE:
                value = (await session.execute(select(func.current_setting(setting)))).scalar_one()
                if value == "off":
                    raise Unavailable(f"PostgreSQL runs with {setting} = off: what it acknowledges can be lost")


@asynccontextmanager
async def _undone_where_it_fails(session: AsyncSession) -> AsyncIterator[None]:
    """Closes the session where the block raises. What the driver itself said is raised as SQLAlchemy would have."""
    try:
        yield
    except Exception as error:
        await _close(session)
        if (said := begun.in_words_of_sqlalchemy(error)) is not None:
            raise said from error
        raise
    except BaseException:
        # Called off, perhaps with a question on its way: who waits for a server to answer it may wait for ever.
        silent = session.get_bind().dialect.name == "postgresql"
        await (asyncio.shield(asyncio.create_task(session.invalidate())) if silent else _close(session))
        raise


async def _close(session: AsyncSession) -> None:
    """Undoes what is open and gives back the connection, also where whoever waits for that is called off."""
    await asyncio.shield(asyncio.create_task(session.close()))


async def database_now(session: AsyncSession) -> datetime:
    """The database's clock, in UTC, shifted where a drill asks for it. Guards compare with this, never with the
    worker's own clock: a worker an hour ahead sent twice in trial.
    """
    shift: timedelta = session.info["shift"]
    if session.get_bind().dialect.name == "postgresql":
        return read_clock(session, (await asked(session, _NOW))[0])
    # SQLite asks the machine that it runs on, which is ours: so do we, and spare a statement. Once the transaction has
    # begun, for that can wait for another writer.
    await session.connection()
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000) + shift


def read_clock(session: AsyncSession, moment: datetime) -> datetime:
    """What `database_now` says, where a statement has asked PostgreSQL for its `clock_timestamp()` on its own way."""
    shift: timedelta = session.info["shift"]
    return moment.astimezone(UTC) + shift


def keys_of(session: AsyncSession) -> KeyRing:
    """The key ring of the store this session belongs to."""
    ring: KeyRing = session.info["keys"]
    return ring


def insert_for(session: AsyncSession) -> Callable[[type[Base]], sqlite.Insert]:
    """INSERT with ON CONFLICT in the store's own dialect; both spell it alike."""
    dialect = session.get_bind().dialect.name
    return sqlite.insert if dialect == "sqlite" else postgresql.insert  # type: ignore[return-value]


def open_store(url: str, keys: KeyRing, *, shift: timedelta = timedelta(0), pool: int = 10) -> Store:
    """Opens a store; connects at first use.

    Raises:
        Invalid: the URL names neither a file of SQLite nor PostgreSQL.
    """
    address = make_url(url)
    backend = address.get_backend_name()
    if backend not in DRIVERS:
        raise Invalid(f"{backend} is not a store; use sqlite or postgresql", pointer="/store_url")
    address = address.set(drivername=DRIVERS[backend])
    if backend == "sqlite":
        if address.database in {None, "", ":memory:"}:
            raise Invalid("a store in memory ends with its process; name a file", pointer="/store_url")
        engine = create_async_engine(
            address,
            hide_parameters=True,
            pool_size=EMBEDDED,
            max_overflow=0,  # of 200 who came at once, every fifth waited for a connection opened for them alone
            pool_use_lifo=True,  # and those beyond what is needed grow no caches
            connect_args={"isolation_level": None, "timeout": BUSY_MS / 1000, "async_creator_fn": connect},
        )
        event.listen(engine.sync_engine, "connect", _on_sqlite_connect)
        event.listen(engine.sync_engine, "begin", _on_sqlite_begin)
    else:
        engine = create_async_engine(
            address,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",  # of the driver's; see `begun`
            pool_size=pool,
            max_overflow=pool,
            pool_use_lifo=True,  # the connection that was used last has most made ready
            # jit: compiling a range scan took 6 to 170 ms, more than the scan.
            connect_args={
                "server_settings": {
                    "application_name": application_name(),
                    "idle_in_transaction_session_timeout": str(ABANDONED_MS),
                    "jit": "off",
                }
            },
        )
        begun.begin_and_end(engine.sync_engine)
        notice_silence(engine.sync_engine)
    return Store(engine, keys, shift, 1 if backend == "sqlite" else pool)


def application_name() -> str:
    """What this process's connections are called on a server."""
    return f"geoalert {os.getpid()}"


def _on_sqlite_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("geoalert_begin", "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)
