"""Who has been told by earlier messages of an alert, and stopping what they have not yet said."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.lease import finish
from geoalert.dispatch.outcomes import OPEN, TOLD, Change, Outcome, merge_outcomes
from geoalert.dispatch.plan import Announced, Recipient, recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.results import ADDRESS_STATE
from geoalert.dispatch.tables import Batch


async def told_before(session: AsyncSession, message_ids: Sequence[int]) -> dict[int, Recipient]:
    """Everyone these messages may have reached, by address id."""
    told: dict[int, Recipient] = {}
    for batch in await session.scalars(select(Batch).where(Batch.message_id.in_(message_ids)).order_by(Batch.id)):
        for address, outcome, reason in zip(recipients_of(batch), batch.outcomes, batch.reasons, strict=True):
            # A carrier's "failed" can be followed by its "delivered"; only a dead address was surely not reached.
            if Outcome(outcome) in TOLD or (outcome == Outcome.FAILED and Reason(reason) not in ADDRESS_STATE):
                told[address] = Recipient(address, batch.channel, batch.language)
    return told


async def close_open(session: AsyncSession, message_ids: Sequence[int], change: Change) -> int:
    """Ends what has not left: now for waiting batches, at their next chunk for those a worker holds. Returns how many
    recipients were spared.
    """
    waiting = await session.scalars(
        select(Batch)
        .where(Batch.message_id.in_(message_ids), Batch.state.in_(["queued", "parked"]))
        .order_by(Batch.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    spared = 0
    for batch in list(waiting):
        open_positions = [position for position, outcome in enumerate(batch.outcomes) if Outcome(outcome) in OPEN]
        spared += await merge_outcomes(session, batch.id, dict.fromkeys(open_positions, change))
        if Outcome.UNCERTAIN not in batch.outcomes:
            finish(batch)
    return spared


async def unpark(session: AsyncSession, message_id: int, reason: int) -> list[Announced]:
    """Queues the batches that were parked for this reason; returns them."""
    parked = await session.scalars(
        select(Batch)
        .where(Batch.message_id == message_id, Batch.state == "parked", Batch.parked_for == reason)
        .with_for_update()
    )
    queued = []
    for batch in parked:
        batch.state, batch.parked_for = "queued", 0
        queued.append(Announced(batch.id, batch.priority, batch.provider))
    return queued
