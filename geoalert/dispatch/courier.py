"""Carrying one batch: claim, then chunk by chunk check, mark, send, record. No database session is open while a
provider is called.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from geoalert.dispatch.channels.channel import Channel, Chunk, Idempotency, SendResult, Verdict
from geoalert.dispatch.chunk import Taken, take_chunk
from geoalert.dispatch.lease import STAND_BACK, claim, emergency_waits, finish, give_back, held, locked, park
from geoalert.dispatch.outcomes import OPEN, Outcome
from geoalert.dispatch.pacing import reserve
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.results import record_results
from geoalert.dispatch.tables import Batch
from geoalert.errors import Invalid
from geoalert.store import Store, database_now

log = logging.getLogger(__name__)

NOT_OURS: Final = timedelta(seconds=5)
BACKOFF: Final = (1, 2, 5, 15, 30, 60, 120, 300)  # seconds by attempt; the last one stays


@dataclass
class Courier:
    """Carries batches under one owner's name. `channels` by provider; `spread` gives numbers in [0, 1)."""

    store: Store
    channels: Mapping[str, Channel]
    owner: str
    spread: Callable[[], float]
    lease: timedelta = timedelta(seconds=30)
    link: str = ""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def patience(self) -> float:
        """Seconds from before the lease is renewed to when a channel must have ended: well within that lease, with
        room to cancel one that has not.
        """
        return self.lease.total_seconds() / 3

    async def carry(self, batch_id: int) -> timedelta | None:
        """Does what can be done now. Returns when to come back, or None when that is known from the batch itself:
        finished, parked, or another's.
        """
        async with self.store.writing() as session:
            provider = await session.scalar(select(Batch.provider).where(Batch.id == batch_id))
            channel = self.channels.get(provider or "")
            if channel is None:
                return NOT_OURS  # another worker has this provider
            generation = await claim(session, batch_id, self.owner, self.lease)
        if generation is None:
            return None
        run = _Run(self, batch_id, generation, channel)
        return await run.to_end()


@dataclass
class _Run:
    courier: Courier
    batch_id: int
    generation: int
    channel: Channel
    tried: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    delay: float = 0.0
    deadline: float = 0.0  # by the loop's clock, which goes on while the process is frozen

    async def to_end(self) -> timedelta | None:
        while not self.courier.stopping.is_set():
            if not await self._pace():
                break
            taken = await self._take()
            if taken is None:
                break
            if taken.positions and not await self._send(taken):
                return None
            if self.delay:
                break
        return await self._leave()

    async def _pace(self) -> bool:
        """Waits for the provider's rate before anything is marked, so that a cancel can still come first. False when
        the batch is not to go on: lost, told to stop, or an emergency wants the rate.
        """
        async with self.courier.store.writing() as session:
            batch = await held(session, self.batch_id, self.generation)
            if batch is None:
                return False
            now = await database_now(session)
            if batch.priority > EMERGENCY and await emergency_waits(session, batch.channel, now, EMERGENCY):
                give_back(batch, now + STAND_BACK)
                return False
            left = sum(1 for outcome in batch.outcomes if Outcome(outcome) in OPEN)
            count = min(max(left, 1), self.channel.traits.chunk)
            lane = f"{self.channel.provider}:{self.channel.name}"
            wait = await reserve(session, lane, count, self.channel.traits.rate, now)
            batch.lease_until = now + self.courier.lease + timedelta(seconds=wait)
        if not wait:
            return True
        try:
            async with asyncio.timeout(wait):
                await self.courier.stopping.wait()
        except TimeoutError:
            return True
        return False

    async def _take(self) -> Taken | None:
        courier = self.courier
        # Counted from before the lease is renewed: who freezes after that wakes past the deadline and sends nothing.
        self.deadline = asyncio.get_running_loop().time() + courier.patience
        async with courier.store.writing() as session:
            return await take_chunk(
                session,
                self.batch_id,
                self.generation,
                self.channel,
                self.tried,
                self.lost,
                courier.lease,
                courier.link,
            )

    async def _send(self, taken: Taken) -> bool:
        """Hands the chunk over and records the answers; False when the batch was parked or lost on the way."""
        results = await self._look_up(taken) if taken.ask else await self._hand_over(taken)
        known = [(p, r) for p, r in zip(taken.positions, results, strict=True) if r is not None]
        if taken.ask:
            self.lost.update(p for p, r in zip(taken.positions, results, strict=True) if r is None)
        async with self.courier.store.writing() as session:
            batch = await held(session, self.batch_id, self.generation)
            if batch is None:
                return False
            if known:
                positions, answers = zip(*known, strict=True)
                await record_results(session, batch, self.channel, positions, answers, taken.addresses)
            wrong = next((r for _, r in known if r.verdict is Verdict.MISCONFIGURED), None)
            if wrong is not None:
                log.error("batch %d is parked: %s", self.batch_id, wrong.reason.name)
                park(batch, wrong.reason)
                return False
        again = [r for _, r in known if r.verdict is Verdict.RETRY]
        if known and len(again) == len(known):
            self.delay = max(r.retry_after or 0.0 for r in again) or 0.001
        return True

    async def _hand_over(self, taken: Taken) -> Sequence[SendResult | None]:
        self.lost.difference_update(taken.positions)
        try:
            chunk = self._chunk(taken)
        except Invalid as refusal:
            log.error("batch %d cannot be carried by %s: %s", self.batch_id, self.channel.name, refusal.reason)  # noqa: TRY400 - a refusal needs no trace
            return [SendResult(Verdict.MISCONFIGURED, Reason.PAYLOAD)] * len(taken.positions)
        try:
            async with asyncio.timeout_at(self.deadline + self.courier.patience / 2):
                return await self.channel.send(chunk)
        except TimeoutError:
            return [SendResult(Verdict.UNCERTAIN, Reason.TIMEOUT)] * len(taken.positions)

    async def _look_up(self, taken: Taken) -> Sequence[SendResult | None]:
        chunk = self._chunk(taken)
        try:
            async with asyncio.timeout_at(self.deadline + self.courier.patience / 2):
                return await self.channel.lookup(chunk)
        except TimeoutError:
            return [SendResult(Verdict.UNCERTAIN, Reason.TIMEOUT)] * len(taken.positions)

    def _chunk(self, taken: Taken) -> Chunk:
        prepared = self.channel.prepare(taken.notice)
        return Chunk(prepared, taken.deliveries, taken.expires, taken.now, taken.since, self.deadline)

    async def _leave(self) -> timedelta | None:
        """Finishes the batch, or queues what is left for later."""
        async with self.courier.store.writing() as session:
            batch = await locked(session, self.batch_id)
            now = await database_now(session)
            if batch is None or batch.lease_generation != self.generation or batch.state != "leased":
                given_back = batch is not None and batch.state == "queued"
                return max(batch.not_before - now, timedelta(0)) if batch and given_back else None
            open_left = any(Outcome(outcome) in OPEN for outcome in batch.outcomes)
            doubtful = any(outcome == Outcome.UNCERTAIN for outcome in batch.outcomes)
            if not open_left and not (doubtful and now < batch.expires and self._settles(batch)):
                finish(batch)
                return None
            if self.courier.stopping.is_set():
                give_back(batch, now)
                return None
            step = BACKOFF[min(batch.attempts, len(BACKOFF)) - 1]
            delay = max(self.delay, step * (0.5 + self.courier.spread() / 2))
            untried = any(
                Outcome(outcome) in OPEN and position not in self.tried
                for position, outcome in enumerate(batch.outcomes)
            )
            if untried and not self.delay:
                delay = 0.0
            give_back(batch, now + timedelta(seconds=delay))
            return timedelta(seconds=delay)

    def _settles(self, batch: Batch) -> bool:
        """Whether coming back can settle a doubt; where it cannot, `uncertain` is what is known and stays."""
        return self.channel.traits.idempotency is not Idempotency.NONE or batch.priority <= EMERGENCY
