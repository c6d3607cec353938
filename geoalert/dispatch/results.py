"""Writing down what a provider answered: verdict to outcome as a table, references for receipts, dead addresses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.channels.channel import Channel, SendResult, Verdict
from geoalert.dispatch.chunk import Taken
from geoalert.dispatch.halts import WHOLE_PROVIDER, halt
from geoalert.dispatch.health import observe
from geoalert.dispatch.lease import park
from geoalert.dispatch.outcomes import Change, Outcome, merge_locked
from geoalert.dispatch.pacing import hold_off
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ProviderRef
from geoalert.dispatch.vitals import locked_health, release_trial
from geoalert.store import database_now, insert_for
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
NEVER_HAD: Final = SendResult(Verdict.REFUSED)  # a look-up that was answered
BY_REF: Final = frozenset({"sms", "post"})  # channels whose own reference is asked for later


@dataclass(frozen=True, slots=True)
class Answers:
    """What a provider said of a chunk, in its order (None: asked, it never had it), after how many seconds."""

    results: Sequence[SendResult | None]
    seconds: float

    @property
    def known(self) -> list[SendResult]:
        return [result for result in self.results if result is not None]

    @property
    def begun(self) -> list[SendResult]:
        """Of those the provider had to do with."""
        return [result for result in self.known if result.reason is not Reason.NOT_BEGUN]

    @property
    def any_well(self) -> bool:
        """Whether the provider dealt with anybody: it knows us, and takes the message."""
        return any(
            result.verdict is Verdict.ACCEPTED
            or (result.verdict is Verdict.REFUSED and result.reason not in OF_MESSAGE)
            for result in self.known
        )

    def of_the_message(self) -> Answers:
        """The same, where every one of several was refused for what the message or our account is: not their refusal,
        but one of the message at this provider.
        """
        known = self.known
        if len(known) < SEVERAL or any(
            result.verdict is not Verdict.REFUSED or result.reason not in OF_MESSAGE for result in known
        ):
            return self
        return Answers([SendResult(Verdict.MISCONFIGURED, result.reason) for result in known], self.seconds)


async def record_results(
    session: AsyncSession, batch: Batch, channel: Channel, taken: Taken, answers: Answers, *, spread: float
) -> None:
    """Merges outcomes, keeps provider references, retires addresses that the provider says are dead, and notes how the
    provider is: what is wrong with it, or with the message there, stands still from here on. `spread` in [0, 1).
    """
    named = [(p, r) for p, r in zip(taken.positions, answers.results, strict=True) if r is not None]
    now = await database_now(session)
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
        for position, result in named
        if result.provider_ref and channel.name in BY_REF
    ]
    if refs:
        await session.execute(insert_for(session)(ProviderRef).on_conflict_do_nothing(), refs)
    await _note_provider(session, batch, channel, answers, now, spread, ask=taken.ask)
    for reason, state in ADDRESS_STATE.items():
        dead = [
            taken.addresses[position]
            for position, result in named
            if result.verdict is Verdict.REFUSED and result.reason is reason
        ]
        if dead:
            await session.execute(update(Address).where(Address.id.in_(dead)).values(state=state))
    merge_locked(batch, {position: _change(result, doubted=position in taken.doubts) for position, result in named})
    unanswered = taken.ask and any(result.verdict is Verdict.UNCERTAIN for _, result in named)
    if unanswered:
        batch.unasked_since = batch.unasked_since or now
    elif taken.ask or Outcome.UNCERTAIN not in batch.outcomes:
        batch.unasked_since = None


def _change(result: SendResult, *, doubted: bool) -> Change:
    outcome = OUTCOME[result.verdict]
    # That this try did not leave says nothing of the one before.
    return Outcome.UNCERTAIN if doubted and outcome is Outcome.PENDING else outcome, result.reason


async def _note_provider(
    session: AsyncSession, batch: Batch, channel: Channel, answers: Answers, now: datetime, spread: float, *, ask: bool
) -> None:
    wrong = {result.reason for result in answers.known if result.verdict is Verdict.MISCONFIGURED}
    if wrong and channel.traits.own_credentials:
        log.error("batch %d is parked: %s", batch.id, min(wrong).name)
        park(batch, min(wrong))
        wrong = set()
    for reason in sorted(wrong):
        message = ANY_MESSAGE if WHOLE_PROVIDER.get(reason, True) else batch.message_id
        if await halt(session, channel.provider, message, reason):
            log.error("%s stands still: %s", channel.provider, reason.name)
    heard = [NEVER_HAD if result is None else result for result in answers.results]
    heard = [result for result in heard if result.reason is not Reason.NOT_BEGUN]
    if heard:
        health = await locked_health(session, channel.provider, now)
        observe(health, heard, answers.seconds, now, spread=spread, counts=not ask)
    elif answers.results:
        await release_trial(session, channel.provider)
    pauses = [result.retry_after for result in answers.known if result.reason is Reason.RATE_LIMITED]
    if pauses:
        await hold_off(session, channel, max(pause or 1.0 for pause in pauses), now)
