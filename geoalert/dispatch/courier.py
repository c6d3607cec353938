"""Who carries batches: one owner's name, its channels, its lease; each batch is a run of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from typing import Final

from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.chunk import Terms, told_by
from geoalert.dispatch.lease import claim, park, until_due
from geoalert.dispatch.proof import Proof
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.run import Chosen, Run
from geoalert.dispatch.tables import Batch
from geoalert.dispatch.tally import Tally
from geoalert.dispatch.tempo import Tempo
from geoalert.errors import Outdated
from geoalert.store import Store
from geoalert.subscribers.codes import CHANNEL_NAMES
from geoalert.tracing import TRACER, within

log = logging.getLogger(__name__)

NOT_OURS: Final = timedelta(seconds=5)
SOON: Final = timedelta(
    seconds=10
)  # a batch that waits for longer is found by the sweep; its time may change meanwhile


@dataclass(frozen=True, slots=True)
class Claimed:
    """A batch that is ours, and what was chosen for it in the same transaction already."""

    batch: Batch
    run: Run
    trace: str | None  # of the request that released its message
    opening: tuple[Chosen, ...] = ()


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
    tally: Tally = field(default_factory=Tally)

    def carriers(self, channel: int) -> Sequence[Channel]:
        """The providers of this channel (its code)."""
        name = CHANNEL_NAMES.get(channel)
        return [found for found in self.channels.values() if found.name == name]

    async def carry(self, batch_id: int) -> timedelta | None:
        """Does what can be done now. Returns when to come back, or None when that is known from the batch itself:
        finished, parked, or another's.
        """
        try:
            claimed = await self._claim(batch_id, at_once=True)
        except Outdated:
            raise
        except Exception as error:  # noqa: BLE001 - it comes again, and counts as a try, where the claim stands alone
            log.warning("batch %d is claimed by itself: %s", batch_id, type(error).__name__)
            claimed = await self._claim(batch_id, at_once=False)
        if not isinstance(claimed, Claimed):
            return claimed
        batch = claimed.batch
        about = {"batch": batch_id, "channel": batch.channel, "priority": batch.priority, "recipients": batch.size}
        with TRACER.start_as_current_span(
            "carry batch", within(claimed.trace), attributes=about, record_exception=False
        ):
            return _soon(await claimed.run.to_end(*claimed.opening))

    async def _claim(self, batch_id: int, *, at_once: bool) -> Claimed | timedelta | None:
        """The batch as ours; or when to come back for it, as `carry` says. With `at_once` its first chunk is chosen and
        marked in the same transaction, where its message has been answered well before and nobody has to be waited for.
        """
        begun = asyncio.get_running_loop().time()
        async with self.store.writing() as session:
            found = await told_by(session, batch_id)
            if found is None:
                return None
            (batch, now), told = found
            if batch.channel not in CHANNEL_NAMES:
                if batch.state == "queued":
                    log.error("batch %d is parked: channel %d is unknown", batch_id, batch.channel)
                    park(batch, Reason.NO_CHANNEL)
                return None
            carriers = self.carriers(batch.channel)
            if not carriers:
                return NOT_OURS  # another worker has a provider of this channel
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
                tally=self.tally,
                batch_id=batch_id,
                generation=generation,
                key=(batch.message_id, batch.channel),
            )
            trace = told[0].trace if told else None
            if not (at_once and self.proof.stands(run.key)):
                return Claimed(batch, run, trace)
            run.begin(begun)
            with session.no_autoflush:  # the claim and the marks are written as one
                return Claimed(batch, run, trace, (await run.choose(session, batch, told, now),))


def _soon(wait: timedelta | None) -> timedelta | None:
    return wait if wait is not None and wait <= SOON else None
