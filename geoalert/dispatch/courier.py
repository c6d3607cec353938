"""Who carries batches: one owner's name, its channels, its lease; each batch is a run of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from typing import Final

from sqlalchemy import bindparam, select

from geoalert.alerts.tables import Message
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.chunk import Terms
from geoalert.dispatch.lease import claim, park, until_due
from geoalert.dispatch.proof import Proof
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.run import Run
from geoalert.dispatch.tables import Batch
from geoalert.dispatch.tempo import Tempo
from geoalert.store import Store, database_now
from geoalert.subscribers.codes import CHANNEL_NAMES
from geoalert.tracing import TRACER, within

log = logging.getLogger(__name__)

NOT_OURS: Final = timedelta(seconds=5)
SOON: Final = timedelta(
    seconds=10
)  # a batch that waits for longer is found by the sweep; its time may change meanwhile

# The batch, its row locked, and the trace of the request that released its message.
_ASKED: Final = (
    select(Batch, Message.trace)
    .outerjoin(Message, Message.id == Batch.message_id)
    .where(Batch.id == bindparam("batch"))
    .with_for_update(of=Batch)
)


@dataclass
class Courier:
    """Carries batches under one owner's name. `channels` by provider; `spread` gives numbers in [0, 1)."""

    store: Store
    channels: Mapping[str, Channel]
    owner: str
    spread: Callable[[], float]
    lease: timedelta = timedelta(seconds=30)
    link: str = ""
    zone: tzinfo = UTC  # the city's: quiet hours are of its clocks
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    proof: Proof = field(default_factory=Proof)
    tempo: Tempo = field(default_factory=Tempo)

    def carriers(self, channel: int) -> Sequence[Channel]:
        """The providers of this channel (its code)."""
        name = CHANNEL_NAMES.get(channel)
        return [found for found in self.channels.values() if found.name == name]

    async def carry(self, batch_id: int) -> timedelta | None:
        """Does what can be done now. Returns when to come back, or None when that is known from the batch itself:
        finished, parked, or another's.
        """
        async with self.store.writing() as session:
            row = (await session.execute(_ASKED, {"batch": batch_id})).one_or_none()
            if row is None:
                return None
            batch, trace = row
            if batch.channel not in CHANNEL_NAMES:
                if batch.state == "queued":
                    log.error("batch %d is parked: channel %d is unknown", batch_id, batch.channel)
                    park(batch, Reason.NO_CHANNEL)
                return None
            carriers = self.carriers(batch.channel)
            if not carriers:
                return NOT_OURS  # another worker has a provider of this channel
            now = await database_now(session)
            generation = claim(batch, self.owner, self.lease, now)
            if generation is None:
                return _soon(until_due(batch, now))
        run = Run(
            store=self.store,
            carriers=carriers,
            spread=self.spread,
            terms=Terms(self.lease, self.link, self.zone),
            stopping=self.stopping,
            proof=self.proof,
            tempo=self.tempo,
            batch_id=batch_id,
            generation=generation,
            key=(batch.message_id, batch.channel),
        )
        about = {"batch": batch_id, "channel": batch.channel, "priority": batch.priority, "recipients": batch.size}
        with TRACER.start_as_current_span("carry batch", within(trace), attributes=about, record_exception=False):
            return _soon(await run.to_end())


def _soon(wait: timedelta | None) -> timedelta | None:
    return wait if wait is not None and wait <= SOON else None
