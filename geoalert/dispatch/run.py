"""One claim of one batch, chunk by chunk: choose who carries, book the pace, check and mark, send, record. No database
session is open while a provider is called.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Channel, Chunk, SendResult, Verdict
from geoalert.dispatch.chunk import Taken, Terms, Told, is_over, take_chunk, told_by
from geoalert.dispatch.doubt import Settle, settle
from geoalert.dispatch.handed import doubts, provider_of
from geoalert.dispatch.lease import finish, give_back, held, is_ours, locked
from geoalert.dispatch.outcomes import OPEN, Outcome
from geoalert.dispatch.picking import Tried
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.proof import Key, Proof
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.results import Answers, record_results
from geoalert.dispatch.retry import delay_after
from geoalert.dispatch.tables import Batch
from geoalert.dispatch.tally import Tally
from geoalert.dispatch.tempo import FRESH, Tempo
from geoalert.dispatch.turn import Turn, next_turn, still_stands
from geoalert.dispatch.vitals import release_trial
from geoalert.errors import Invalid, Outdated
from geoalert.store import Store
from geoalert.tracing import TRACER

log = logging.getLogger(__name__)

AFTER_A_FAILURE: Final = timedelta(seconds=5)
NOT_BEGUN: Final = (Verdict.RETRY, Reason.NOT_BEGUN)

ONWARD: Final = frozenset({*OPEN, Outcome.UNCERTAIN})  # somebody of them may still be told


class Ready(NamedTuple):
    """Whose turn it is, and who is marked for it."""

    turn: Turn
    taken: Taken


Chosen = Turn | Ready | None
"""What a transaction came to: a turn to be waited for, one that has come, or that the batch is not to go on."""


@dataclass
class Run:
    """`carriers` are the providers of the batch's channel that this worker has."""

    store: Store
    carriers: Sequence[Channel]
    spread: Callable[[], float]
    terms: Terms
    stopping: asyncio.Event
    proof: Proof
    tempo: Tempo
    tally: Tally
    batch_id: int
    generation: int
    key: Key
    tried: Tried = field(default_factory=Tried)
    asked: float = 0.0  # seconds a provider wants to be left alone
    fruitless: bool = False  # the last chunk got nobody anywhere
    deadline: float = 0.0  # by the loop's clock, which goes on while the process is frozen

    @property
    def patience(self) -> float:
        """Seconds from before the lease is renewed to when a channel must have ended, with room to cancel one that has
        not.
        """
        return self.terms.lease.total_seconds() / 3

    async def to_end(self, *opening: Chosen) -> timedelta | None:
        """Goes on until nothing is left, or nothing more can be done now; returns when to come back. The `opening` is
        what the claiming transaction has chosen already.

        Raises what it met; nobody who was not handed over is kept back by that until the lease ends.
        """
        try:
            return await self._to_end(*opening)
        except Outdated:
            raise
        except Exception:
            with suppress(Exception):  # the lease ends in any case
                await self._give_up()
            raise

    async def _to_end(self, *opening: Chosen) -> timedelta | None:
        while opening or not (self.stopping.is_set() or self.fruitless):
            few = None if opening else await self.proof.turn(self.key)
            well = False
            try:
                found = await (self._waited(*opening) if opening else self._next(few))
                opening = ()
                if found is None:
                    break
                turn, taken = found
                if taken.positions:
                    if taken.ask:
                        answers = await self._look_up(turn.channel, taken)
                    else:
                        answers = await self._hand_over(turn.channel, taken, unproven=few is not None)
                    well = answers.any_well
                    if not await self._record(turn, taken, answers):
                        return None
            finally:
                self.proof.answered(self.key, well=well)
        return await self._leave()

    async def _next(self, few: int | None) -> Ready | None:
        """None when the batch is not to go on."""
        self.begin(asyncio.get_running_loop().time())
        async with self.store.writing() as session:
            # The message before the pace: whoever holds it for long holds up its own batches, and nobody else's.
            found = await told_by(session, self.batch_id)
            if found is None or not is_ours(found[0].batch, self.generation):
                return None
            (batch, now), told = found
            chosen = await self.choose(session, batch, told, now, few)
        return await self._waited(chosen)

    async def choose(
        self, session: AsyncSession, batch: Batch, told: Told | None, now: datetime, few: int | None = None
    ) -> Chosen:
        """Whose turn it is, of at most `few`, with a batch that is ours. Where the provider's rate has to be waited
        for, that is done before anybody is marked, so that a cancel can still come first.
        """
        # Before a provider is looked for: who is cancelled while nobody carries is cancelled, and not set aside.
        if is_over(batch, told, now) or told is None:
            return None

        def at_most(channel: Channel) -> int:
            chunk = self.tempo.most(channel.provider, channel.traits.chunk)
            return min(few, chunk) if few else chunk

        turn = await next_turn(session, batch, self.carriers, self.tried, at_most, now, self.spread())
        if turn is None:
            return None
        if not turn.wait:
            return await self._take(session, batch, told, turn, now)
        batch.lease_until = now + self.terms.lease + timedelta(seconds=turn.wait)
        return turn

    async def _waited(self, chosen: Chosen) -> Ready | None:
        if isinstance(chosen, Turn):
            return await self._after(chosen) if await self._rest(chosen.wait) else None
        return chosen

    async def _rest(self, seconds: float) -> bool:
        """Waits; False when told to stop meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return True
        return False

    async def _after(self, turn: Turn) -> Ready | None:
        """The same after the wait: whatever stood before it is looked at again."""
        self.begin(asyncio.get_running_loop().time())
        async with self.store.writing() as session:
            found = await told_by(session, self.batch_id)
            if found is None or not is_ours(found[0].batch, self.generation):
                return None
            (batch, now), told = found
            if is_over(batch, told, now) or told is None:
                return None
            if not await still_stands(session, batch, turn, now):
                give_back(batch, now)
                return None
            return await self._take(session, batch, told, turn, now)

    def begin(self, at: float) -> None:
        """Counts from before the lease is renewed: who freezes after that wakes past the deadline and sends nothing."""
        self.deadline = at + self.patience

    async def _take(self, session: AsyncSession, batch: Batch, told: Told, turn: Turn, now: datetime) -> Ready | None:
        taken = await take_chunk(session, batch, told, turn, self.tried, self.terms, now)
        if turn.on_trial and (taken is None or not taken.positions):
            await release_trial(session, turn.channel.provider)
        return None if taken is None else Ready(turn, taken)

    async def _record(self, turn: Turn, taken: Taken, answers: Answers) -> bool:
        """Writes the answers down; False when nothing is left to do with the batch, or it was lost on the way."""
        if taken.ask:
            named = list(zip(taken.positions, answers.results, strict=True))
            self.tried.lost.update(position for position, found in named if found is None)
            self.tried.unanswered.update(p for p, found in named if found and found.verdict is Verdict.UNCERTAIN)
        else:
            left = taken.unbegun(answers.results) if NOT_BEGUN in answers.kinds else []
            provider = turn.channel.provider
            self.tried.at.difference_update((position, provider) for position in left)
            self.tempo.noted(provider, len(taken.positions), len(taken.positions) - len(left))
        async with self.store.writing() as session:
            found = await held(session, self.batch_id, self.generation)
            if found is None:
                return False
            batch, now = found
            await record_results(session, batch, turn, taken, answers, self.tally, now, spread=self.spread())
            if batch.state == "leased" and ONWARD.isdisjoint(batch.outcomes):
                finish(batch)
                return False
        if answers.all_put_off:
            self.fruitless, self.asked = True, max(answer.retry_after or 0.0 for answer in answers.known)
        return True

    async def _hand_over(self, channel: Channel, taken: Taken, *, unproven: bool) -> Answers:
        self.tried.lost.difference_update(taken.positions)
        self.tried.unanswered.difference_update(taken.positions)
        try:
            chunk = self._prepared(channel, taken)
        except Invalid as refusal:
            log.error("batch %d cannot be carried by %s: %s", self.batch_id, channel.name, refusal.reason)  # noqa: TRY400 - a refusal needs no trace
            return Answers([SendResult(Verdict.MISCONFIGURED, Reason.PAYLOAD)] * len(taken.positions), 0.0)
        about: dict[str, str | int] = {"provider": channel.provider, "recipients": len(taken.positions)}
        with TRACER.start_as_current_span(
            "provider call", kind=SpanKind.CLIENT, attributes=about, record_exception=False
        ) as span:
            answers = await self._timed(channel.send(chunk), len(taken.positions))
            if unproven:
                answers = answers.of_the_message()
            for verdict in Verdict:
                if count := sum(many for (said, _), many in answers.kinds.items() if said is verdict):
                    span.set_attribute(verdict.value, count)
            return answers

    async def _look_up(self, channel: Channel, taken: Taken) -> Answers:
        return await self._timed(channel.lookup(self._prepared(channel, taken)), len(taken.positions))

    async def _timed(self, asked: Awaitable[Sequence[SendResult | None]], count: int) -> Answers:
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            async with asyncio.timeout_at(self.deadline + self.patience / 2):
                results = await asked
        except TimeoutError:
            results = [SendResult(Verdict.UNCERTAIN, Reason.TIMEOUT)] * count
        return Answers(results, clock() - begun)

    def _prepared(self, channel: Channel, taken: Taken) -> Chunk:
        prepared = channel.prepare(taken.notice)
        begins = asyncio.get_running_loop().time() + FRESH
        return Chunk(prepared, taken.deliveries, taken.expires, taken.now, taken.since, self.deadline, begins)

    async def _give_up(self) -> None:
        """After a failure of our own: nobody was handed over, or their lease is left to end."""
        async with self.store.writing() as session:
            found = await held(session, self.batch_id, self.generation)
            if found is not None and Outcome.SENDING not in found.batch.outcomes:
                give_back(found.batch, found.now + max(AFTER_A_FAILURE, self._delay(*found)))

    async def _leave(self) -> timedelta | None:
        """Finishes the batch, or queues what is left for later."""
        async with self.store.writing() as session:
            found = await locked(session, self.batch_id)
            if found is None:
                return None
            batch, now = found
            if batch.lease_generation != self.generation or batch.state != "leased":
                return max(batch.not_before - now, timedelta(0)) if batch.state == "queued" else None
            batch.risk = batch.risk and not self.tried.at  # one more try is what was asked for
            open_left = not OPEN.isdisjoint(batch.outcomes)
            if not open_left and not (now < batch.expires and self._can_settle(batch)):
                finish(batch)
                return None
            if self.stopping.is_set():
                give_back(batch, now)
                return None
            wait = self._delay(batch, now)
            if self.tried.quiet and Outcome.PENDING not in batch.outcomes:
                wait = max(wait, min(self.tried.quiet) - now)
            give_back(batch, now + wait)
            return wait

    def _delay(self, batch: Batch, now: datetime) -> timedelta:
        left, urgent = (batch.expires - now).total_seconds(), batch.priority <= EMERGENCY
        seconds = delay_after(batch.attempts, urgent=urgent, asked=self.asked, left=left, spread=self.spread())
        return timedelta(seconds=seconds)

    def _can_settle(self, batch: Batch) -> bool:
        """Whether coming back can settle a doubt; where it cannot, `uncertain` is what is known and stays."""
        kinds = {channel.provider: channel.traits.idempotency for channel in self.carriers}
        holders = {provider_of(batch, position) for position in doubts(batch)}
        return any(
            holder not in kinds or settle(kinds[holder], batch.priority) is not Settle.HOLD for holder in holders
        )
