"""Without a server: the worker watches the database file and feeds PgQueuer's in-memory form in its own process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pgqueuer import PgQueuer
from pgqueuer.models import Job
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.engine.seam import CONCURRENCY, LANES, SWEEP_LIMIT, Handler, lane_of
from geoalert.dispatch.lease import due
from geoalert.store import Store

log = logging.getLogger(__name__)

POLL = 0.05  # seconds between looks at `PRAGMA data_version`
LOOK_ANYWAY = 0.5  # seconds: due times and leases pass without a change to the file


@dataclass
class EmbeddedEngine:
    """The API enqueues nothing: a committed batch row is the announcement."""

    store: Store

    async def enqueue(self, session: AsyncSession, ids: Sequence[int], priority: int) -> None:
        """Nothing to do: workers see the commit."""

    async def run(self, handler: Handler, stopping: asyncio.Event) -> None:
        queue = PgQueuer.in_memory()

        async def carry(job: Job) -> None:
            assert job.payload is not None  # noqa: S101 - every job of ours has one
            try:
                await handler(int(job.payload))
            except Exception:
                # The lease runs out and the batch comes back; the worker goes on with the others.
                log.exception("carrying a batch failed")

        for lane in LANES:
            queue.entrypoint(lane, concurrency_limit=CONCURRENCY[lane])(carry)
        feeder = asyncio.create_task(self._feed(queue, stopping))
        runner = asyncio.create_task(queue.run(dequeue_timeout=timedelta(seconds=1)))
        try:
            await asyncio.wait({feeder, runner}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            queue.shutdown.set()
            feeder.cancel()
            await asyncio.gather(feeder, return_exceptions=True)
            await runner

    async def _feed(self, queue: PgQueuer, stopping: asyncio.Event) -> None:
        seen, looked = -1, 0.0
        clock = asyncio.get_running_loop()
        async with self.store.unbegun().connect() as watching:
            while not stopping.is_set():
                version = (await watching.execute(text("PRAGMA data_version"))).scalar_one()
                if version != seen or clock.time() - looked >= LOOK_ANYWAY:
                    seen, looked = version, clock.time()
                    await self._enqueue_due(queue)
                await asyncio.sleep(POLL)

    async def _enqueue_due(self, queue: PgQueuer) -> None:
        async with self.store.reading() as session:
            found = await due(session, SWEEP_LIMIT)
        if found and queue.queries is not None:
            await queue.queries.enqueue(
                [lane_of(priority) for _, priority in found],
                [str(batch_id).encode() for batch_id, _ in found],
                [-priority for _, priority in found],
                dedupe_key=[f"b{batch_id}" for batch_id, _ in found],
                on_conflict="skip",
            )
