"""Writing down what a provider answered: verdict to outcome as a table, references for receipts, dead addresses."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.chunk import Taken
from geoalert.dispatch.halts import WHOLE_PROVIDER, halt
from geoalert.dispatch.health import observe
from geoalert.dispatch.lease import park
from geoalert.dispatch.outcomes import Outcome, merge_locked
from geoalert.dispatch.pacing import hold_off
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ProviderRef
from geoalert.dispatch.tally import Tally
from geoalert.dispatch.turn import Turn
from geoalert.dispatch.vitals import locked_health, release_trial
from geoalert.store import insert_for
from geoalert.subscribers.tables import Address

log = logging.getLogger(__name__)

OUTCOME: Final = MappingProxyType(
    {
        Verdict.ACCEPTED: Outcome.ACCEPTED,
        Verdict.REFUSED: Outcome.FAILED,
        Verdict.RETRY: Outcome.PENDING,
        Verdict.UNCERTAIN: Outcome.UNCERTAIN,
        Verdict.MISCONFIGURED: Outcome.PENDING,
    }
)
# What a refusal says of the address itself.
ADDRESS_STATE: Final[Mapping[Reason, str]] = MappingProxyType(
    {Reason.UNREGISTERED: "gone", Reason.INVALID_ADDRESS: "gone", Reason.STOPPED: "stopped"}
)
# Refusals that say nothing of the recipient, when nobody is accepted beside them.
OF_MESSAGE: Final = frozenset({Reason.PAYLOAD, Reason.SENDER_MISMATCH, Reason.TEMPLATE})
SEVERAL: Final = 2
NEVER_HAD: Final = (Verdict.REFUSED, Reason.NONE)  # a look-up that was answered
BY_REF: Final = frozenset({"sms", "post"})  # channels whose own reference is asked for later


@dataclass(frozen=True)
class Answers:
    """What a provider said of a chunk, in its order (None: asked, it never had it), after how many seconds. What is
    asked of all of them together is asked of their kinds, which are few.
    """

    results: Sequence[SendResult | None]
    seconds: float

    @cached_property
    def known(self) -> list[SendResult]:
        return [result for result in self.results if result is not None]

    @cached_property
    def kinds(self) -> Counter[tuple[Verdict, Reason]]:
        """How many there are of each kind."""
        return Counter((result.verdict, result.reason) for result in self.known)

    @property
    def all_put_off(self) -> bool:
        """Whether somebody was begun with, and nobody got anywhere."""
        begun = [verdict for verdict, reason in self.kinds if reason is not Reason.NOT_BEGUN]
        return bool(begun) and all(verdict is Verdict.RETRY for verdict in begun)

    @property
    def any_well(self) -> bool:
        """Whether the provider dealt with anybody: it knows us, and takes the message."""
        return any(
            verdict is Verdict.ACCEPTED or (verdict is Verdict.REFUSED and reason not in OF_MESSAGE)
            for verdict, reason in self.kinds
        )

    def of_the_message(self) -> Answers:
        """The same, where every one of several was refused for what the message or our account is: not their refusal,
        but one of the message at this provider.
        """
        known = self.known
        if len(known) < SEVERAL or any(
            verdict is not Verdict.REFUSED or reason not in OF_MESSAGE for verdict, reason in self.kinds
        ):
            return self
        return Answers([SendResult(Verdict.MISCONFIGURED, result.reason) for result in known], self.seconds)


async def record_results(
    session: AsyncSession,
    batch: Batch,
    turn: Turn,
    taken: Taken,
    answers: Answers,
    tally: Tally,
    now: datetime,
    *,
    spread: float,
) -> None:
    """Merges outcomes, keeps provider references, retires addresses that the provider says are dead, and notes how the
    provider is: what is wrong with it, or with the message there, stands still from here on. `spread` in [0, 1).
    """
    channel = turn.channel
    named = [(p, r) for p, r in zip(taken.positions, answers.results, strict=True) if r is not None]
    # What asks the store comes first: the batch's row is written once.
    refs = [
        {
            "provider": channel.provider,
            "ref": result.provider_ref[:120],
            "batch_id": batch.id,
            "position": position,
            "at": now,
            "units": result.units,
            "cost": result.cost,
            "url": result.url,
        }
        for position, result in (named if channel.name in BY_REF else ())
        if result.provider_ref
    ]
    if refs:
        await session.execute(insert_for(session)(ProviderRef).on_conflict_do_nothing(), refs)
    await _note_provider(session, batch, turn, answers, tally, now, spread, ask=taken.ask)
    for reason, state in ADDRESS_STATE.items():
        if (Verdict.REFUSED, reason) in answers.kinds:
            dead = [
                taken.addresses[position]
                for position, result in named
                if result.verdict is Verdict.REFUSED and result.reason is reason
            ]
            await session.execute(update(Address).where(Address.id.in_(dead)).values(state=state))
    changes = {position: (OUTCOME[result.verdict], result.reason) for position, result in named}
    for position in taken.doubts.intersection(changes):
        outcome, reason = changes[position]
        if outcome is Outcome.PENDING:  # that this try did not leave says nothing of the one before
            changes[position] = Outcome.UNCERTAIN, reason
    merge_locked(batch, changes)
    unanswered = taken.ask and any(verdict is Verdict.UNCERTAIN for verdict, _ in answers.kinds)
    if unanswered:
        batch.unasked_since = batch.unasked_since or now
    elif taken.ask or Outcome.UNCERTAIN not in batch.outcomes:
        batch.unasked_since = None


async def _note_provider(
    session: AsyncSession,
    batch: Batch,
    turn: Turn,
    answers: Answers,
    tally: Tally,
    now: datetime,
    spread: float,
    *,
    ask: bool,
) -> None:
    channel, at = turn.channel, asyncio.get_running_loop().time()
    wrong = {reason for verdict, reason in answers.kinds if verdict is Verdict.MISCONFIGURED}
    if wrong and channel.traits.own_credentials:
        log.error("batch %d is parked: %s", batch.id, min(wrong).name)
        park(batch, min(wrong))
        wrong = set()
    for reason in sorted(wrong):
        message = ANY_MESSAGE if WHOLE_PROVIDER.get(reason, True) else batch.message_id
        if await halt(session, channel.provider, message, reason):
            log.error("%s stands still: %s", channel.provider, reason.name)
    heard = Counter({kind: count for kind, count in answers.kinds.items() if kind[1] is not Reason.NOT_BEGUN})
    if never_had := len(answers.results) - len(answers.known):
        heard[NEVER_HAD] += never_had
    if heard.total():
        if turn.calm and not ask and tally.keeps(channel.provider, heard, answers.seconds, now, at):
            return
        health = await locked_health(session, channel.provider, now)
        if kept := tally.taken(channel.provider, at):
            observe(health, kept.kinds, 0.0, now, spread=spread, said=kept.said)
        observe(health, heard, answers.seconds, now, spread=spread, counts=not ask)
    elif answers.results:
        await release_trial(session, channel.provider)
    if any(reason is Reason.RATE_LIMITED for _, reason in answers.kinds):
        pauses = [result.retry_after for result in answers.known if result.reason is Reason.RATE_LIMITED]
        await hold_off(session, channel, max(pause or 1.0 for pause in pauses), now)
