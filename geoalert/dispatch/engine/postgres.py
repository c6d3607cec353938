"""PgQueuer on the PostgreSQL that is there anyway: announced in the releasing transaction, swept in case it forgets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.engine.seam import CONCURRENCY, LANES, SWEEP_LIMIT, Handler, lane_of
from geoalert.dispatch.lease import due
from geoalert.errors import Unavailable
from geoalert.store import Store

log = logging.getLogger(__name__)

SWEEP_EVERY = 2.0
OVERDUE = timedelta(seconds=5)
SILENT = timedelta(seconds=5)  # a job whose worker is silent for so long is another's; the lease guards the batch


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

    async def enqueue(self, session: AsyncSession, ids: Sequence[int], priority: int) -> None:
        """Announces batches in the session's own transaction: rows and jobs commit together or not at all."""
        if not ids:
            return
        await session.flush()
        connection = await (await session.connection()).get_raw_connection()
        raw = connection.driver_connection
        if raw is None or not raw.is_in_transaction():
            msg = "enqueue needs the open transaction of its session"
            raise RuntimeError(msg)
        await self._announce(Queries(AsyncpgDriver(raw)), [(id_, priority) for id_ in ids])

    async def _announce(self, queries: Queries, found: Sequence[tuple[int, int]]) -> None:
        await queries.enqueue(
            [lane_of(priority) for _, priority in found],
            [str(batch_id).encode() for batch_id, _ in found],
            [-priority for _, priority in found],
            dedupe_key=[f"b{batch_id}" for batch_id, _ in found],
            on_conflict="skip",
        )

    async def run(self, handler: Handler, stopping: asyncio.Event) -> None:
        raw = await self._connect()
        try:
            queue = PgQueuer.from_asyncpg_connection(raw)

            async def carry(job: Job) -> None:
                assert job.payload is not None  # noqa: S101 - every job of ours has one
                try:
                    again = await handler(int(job.payload))
                except Exception as error:
                    log.exception("carrying a batch failed")
                    raise RetryRequested(delay=timedelta(seconds=5)) from error
                if again is not None:
                    raise RetryRequested(delay=again)

            for lane in LANES:
                queue.entrypoint(lane, concurrency_limit=CONCURRENCY[lane])(carry)
            tasks = {
                asyncio.create_task(self._sweep(stopping)),
                asyncio.create_task(queue.run(dequeue_timeout=timedelta(seconds=1), heartbeat_timeout=SILENT)),
                asyncio.create_task(stopping.wait()),
            }
            ended, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            queue.shutdown.set()
            await asyncio.wait(running, timeout=30)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for task in ended:
                task.result()
        finally:
            with suppress(asyncpg.PostgresError, OSError):
                await raw.close(timeout=5)

    async def _sweep(self, stopping: asyncio.Event) -> None:
        """Announces what is overdue or lost its owner: a job the engine lost, or a store that was restored."""
        while not stopping.is_set():
            async with self.store.reading() as session:
                found = await due(session, SWEEP_LIMIT, OVERDUE)
            if found:
                raw = await self._connect()
                try:
                    await self._announce(Queries(AsyncpgDriver(raw)), found)
                finally:
                    await raw.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), SWEEP_EVERY)

    async def _connect(self) -> asyncpg.Connection:
        url = self.store.engine.url.set(drivername="postgresql")
        try:
            return await asyncpg.connect(url.render_as_string(hide_password=False))
        except (OSError, asyncpg.PostgresError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}") from error
