"""Without a server: the worker watches the database file and feeds PgQueuer's in-memory form in its own process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pgqueuer.adapters.inmemory import InMemoryDriver, InMemoryQueries
from pgqueuer.models import Job
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.engine.seam import SWEEP_LIMIT, Handler, lane_of, lanes
from geoalert.dispatch.engine.slots import Slots
from geoalert.dispatch.lease import due
from geoalert.dispatch.plan import Announced
from geoalert.errors import Outdated
from geoalert.store import Store

log = logging.getLogger(__name__)

POLL = 0.05  # seconds between looks at `PRAGMA data_version`
LOOK_ANYWAY = 0.5  # seconds: due times and leases pass without a change to the file


@dataclass
class EmbeddedEngine:
    """The API enqueues nothing: a committed batch row is the announcement."""

    store: Store

    async def enqueue(self, session: AsyncSession, batches: Sequence[Announced]) -> None:
        """Nothing to do: workers see the commit."""

    async def run(self, handler: Handler, channels: Collection[str], stopping: asyncio.Event) -> None:
        queue = Slots(InMemoryQueries(driver=InMemoryDriver()), limits=lanes(channels))
        in_hand: set[int] = set()  # announced here and not ended: asking the queue about each again takes longer

        async def carry(job: Job) -> None:
            assert job.payload is not None  # noqa: S101 - every job of ours has one
            try:
                await handler(int(job.payload))
            except Outdated:
                stopping.set()  # the lease runs out, and the batch goes to a worker of the store's own schema
            except Exception:
                # The lease runs out and the batch comes back; the worker goes on with the others.
                log.exception("carrying a batch failed")
            finally:
                in_hand.discard(int(job.payload))

        for lane in queue.limits:
            queue.entrypoint(lane)(carry)
        feeder = asyncio.create_task(self._feed(queue, in_hand, stopping))
        runner = asyncio.create_task(queue.work())
        try:
            ended, _ = await asyncio.wait({feeder, runner}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # a feeder that fails ends the worker, loudly; whoever started it starts another
        finally:
            queue.shutdown.set()
            feeder.cancel()
            await asyncio.gather(feeder, return_exceptions=True)
            await runner

    async def _feed(self, queue: Slots, in_hand: set[int], stopping: asyncio.Event) -> None:
        seen, looked = -1, 0.0
        clock = asyncio.get_running_loop()
        async with self.store.unbegun().connect() as watching:
            while not stopping.is_set():
                version = (await watching.execute(text("PRAGMA data_version"))).scalar_one()
                if version != seen or clock.time() - looked >= LOOK_ANYWAY:
                    seen, looked = version, clock.time()
                    await self._enqueue_due(queue, in_hand)
                await asyncio.sleep(POLL)

    async def _enqueue_due(self, queue: Slots, in_hand: set[int]) -> None:
        async with self.store.reading() as session:
            due_now = await due(session, SWEEP_LIMIT)
        found = [batch for batch in due_now if lane_of(batch) in queue.limits and batch.id not in in_hand]
        if found:
            in_hand.update(batch.id for batch in found)
            await queue.queries.enqueue(
                [lane_of(batch) for batch in found],
                [str(batch.id).encode() for batch in found],
                [-batch.priority for batch in found],
                dedupe_key=[f"b{batch.id}" for batch in found],
                on_conflict="skip",
            )
