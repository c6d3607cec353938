"""PgQueuer's loop, where each worker has slots of its own in every lane.

PgQueuer's own limits count what all workers have picked: fifty of them would carry no more at one time than one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pgqueuer.core.qm import QueueManager
from pgqueuer.models import Job
from pgqueuer.types import JobId, QueueEntrypoint

LOOK: Final = timedelta(seconds=1)


@dataclass
class Slots(QueueManager):
    """`limits`: by lane how many jobs this worker has in hand at most. `work` is the loop to run."""

    limits: Mapping[str, int] = field(default_factory=dict)
    _lanes: dict[JobId, QueueEntrypoint] = field(init=False, default_factory=dict)

    async def work(self, heartbeat_timeout: timedelta = timedelta(seconds=30)) -> None:
        """Runs until `shutdown` is set; jobs in hand end first."""
        # One at a time: whether a lane has a slot left is asked before each job. And what has ended is written down at
        # once, which wakes the loop for the next.
        await self.run(dequeue_timeout=LOOK, batch_size=1, heartbeat_timeout=heartbeat_timeout)

    def entrypoints_below_capacity_limits(self) -> set[QueueEntrypoint]:
        """The lanes that have a slot left here."""
        self._lanes = {job: lane for job, lane in self._lanes.items() if job in self.job_context}
        taken = Counter(self._lanes.values())
        return {lane for lane in self.entrypoint_registry if taken[lane] < self.limits[lane]}

    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[Job, None]:
        """As PgQueuer's, remembering the lane of each."""
        async for job in super().fetch_jobs(batch_size, global_concurrency_limit, heartbeat_timeout):
            self._lanes[job.id] = QueueEntrypoint(job.entrypoint)
            yield job
