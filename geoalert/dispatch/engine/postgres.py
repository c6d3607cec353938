"""PgQueuer on the PostgreSQL that is there anyway: announced in the releasing transaction, swept in case it forgets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from geoalert.dispatch.engine.seam import SWEEP_LIMIT, Handler, lane_of, lanes
from geoalert.dispatch.engine.slots import Slots
from geoalert.dispatch.lease import due
from geoalert.dispatch.plan import Announced
from geoalert.errors import Outdated, Unavailable
from geoalert.store import Store
from geoalert.store.copying import raw_connection

log = logging.getLogger(__name__)

SWEEP_EVERY = 1.0
OVERDUE = timedelta(seconds=1)
GONE = 10.0  # seconds without an answer: the server is away, or something on the way has forgotten us
LEAVE = 2.0  # seconds for what was cancelled: a connection that is dead holds it up for ever
SILENT = timedelta(seconds=5)  # a job whose worker is silent for so long is another's; the lease guards the batch
ANNOUNCED = "SELECT dedupe_key FROM pgqueuer WHERE dedupe_key = ANY($1::text[]) AND status IN ('queued', 'picked')"


@dataclass
class PostgresEngine:
    store: Store

    async def install(self) -> None:
        """Creates or upgrades the engine's own tables."""
        raw = await self._connect()
        try:
            queries = Queries(AsyncpgDriver(raw))
            if await queries.schema_is_installed():
                await queries.upgrade()
            else:
                await queries.install()
        finally:
            await raw.close()

    async def forget(self, connection: AsyncConnection) -> None:
        """Drops every job in the caller's transaction: they are another store's. Workers sweep for what is due."""
        await connection.exec_driver_sql("DELETE FROM pgqueuer")

    async def enqueue(self, session: AsyncSession, batches: Sequence[Announced]) -> None:
        """Announces batches in the session's own transaction: rows and jobs commit together or not at all."""
        if not batches:
            return
        await session.flush()
        await self._announce(Queries(AsyncpgDriver(await raw_connection(session))), batches)

    async def _announce(self, queries: Queries, found: Sequence[Announced]) -> None:
        await queries.enqueue(
            [lane_of(batch) for batch in found],
            [str(batch.id).encode() for batch in found],
            [-batch.priority for batch in found],
            dedupe_key=[_key(batch) for batch in found],
            on_conflict="skip",
        )

    async def run(self, handler: Handler, channels: Collection[str], stopping: asyncio.Event) -> None:
        """As the seam says.

        Raises:
            Unavailable: the connection broke; a supervisor starts the worker again.
        """
        # What the engine cannot write down when its connection breaks is nothing to anybody: we say once that it broke.
        logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
        raw = await self._connect()
        try:
            await self._run(raw, handler, channels, stopping)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError, OSError) as error:
            raise Unavailable(f"the connection to PostgreSQL broke ({type(error).__name__})") from error
        finally:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                await raw.close(timeout=5)

    async def _run(
        self, raw: asyncpg.Connection, handler: Handler, channels: Collection[str], stopping: asyncio.Event
    ) -> None:
        driver = AsyncpgDriver(raw)
        queue = Slots(Queries(driver), limits=lanes(channels))

        async def carry(job: Job) -> None:
            assert job.payload is not None  # noqa: S101 - every job of ours has one
            try:
                again = await handler(int(job.payload))
            except Outdated as error:
                stopping.set()  # the lease runs out, and the batch goes to a worker of the store's own schema
                raise RetryRequested(delay=timedelta(seconds=5)) from error
            except (DBAPIError, OSError) as error:
                log.warning("batch %s waits: the store failed (%s)", job.payload.decode(), type(error).__name__)
                raise RetryRequested(delay=timedelta(seconds=5)) from error
            except Exception as error:
                log.exception("carrying a batch failed")
                raise RetryRequested(delay=timedelta(seconds=5)) from error
            if again is not None:
                raise RetryRequested(delay=again)

        for lane in queue.limits:
            queue.entrypoint(lane)(carry)
        running = asyncio.create_task(queue.work(heartbeat_timeout=SILENT))
        others = {asyncio.create_task(self._sweep(driver, stopping)), asyncio.create_task(stopping.wait())}
        ended, _ = await asyncio.wait({running, *others}, return_when=asyncio.FIRST_COMPLETED)
        queue.shutdown.set()
        for task in others:
            task.cancel()
        if stopping.is_set():
            await asyncio.wait({running}, timeout=30)
        running.cancel()
        await asyncio.wait({running, *others}, timeout=LEAVE)
        for task in ended:
            task.result()

    async def _sweep(self, driver: AsyncpgDriver, stopping: asyncio.Event) -> None:
        """Announces what is overdue or lost its owner: a job the engine lost, or a store that was restored.

        Raises:
            TimeoutError: the server is silent. Nothing else notices a connection that was forgotten on its way, for
                nobody closes it.
        """
        while not stopping.is_set():
            looking = asyncio.create_task(self._look(driver))
            try:
                # Not awaited beyond that: who is cancelled tidies up first, by the same dead connection.
                ended, _ = await asyncio.wait({looking}, timeout=GONE)
            finally:
                looking.cancel()
            if not ended:
                raise TimeoutError
            looking.result()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_EVERY)

    async def _look(self, driver: AsyncpgDriver) -> None:
        await driver.fetch("SELECT 1")  # by the connection that is listened on: the pool may have fresh ones
        async with self.store.looking() as session:
            found = await due(session, SWEEP_LIMIT, OVERDUE)
        # A long queue is all overdue, and announced: to say so again, each worker each second, costs more than to ask.
        known = {row["dedupe_key"] for row in await driver.fetch(ANNOUNCED, [_key(batch) for batch in found])}
        if found := [batch for batch in found if _key(batch) not in known]:
            raw = await self._connect()
            try:
                await self._announce(Queries(AsyncpgDriver(raw)), found)
            finally:
                await raw.close()

    async def _connect(self) -> asyncpg.Connection:
        url = self.store.engine.url.set(drivername="postgresql")
        try:
            return await asyncpg.connect(url.render_as_string(hide_password=False))
        except (OSError, asyncpg.PostgresError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}") from error


def _key(batch: Announced) -> str:
    """By which a batch's job is told from any other's."""
    return f"b{batch.id}"
