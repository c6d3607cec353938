"""Who has been told by earlier messages of an alert, and stopping what they have not yet said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.lease import finish
from geoalert.dispatch.outcomes import OPEN, TOLD, Change, Outcome, merge_outcomes
from geoalert.dispatch.plan import Announced
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.results import ADDRESS_STATE
from geoalert.dispatch.tables import Batch

# A carrier's "failed" can be followed by its "delivered"; only a dead address was surely not reached.
MAYBE = np.isin(np.arange(256), [int(outcome) for outcome in TOLD])
DEAD = np.isin(np.arange(256), [int(reason) for reason in ADDRESS_STATE])


async def told_before(session: AsyncSession, message_ids: Sequence[int]) -> Recipients:
    """Everyone these messages may have reached, in the language they were last told in."""
    rows = await session.execute(
        select(Batch.channel, Batch.language, Batch.recipients, Batch.outcomes, Batch.reasons)
        .where(Batch.message_id.in_(message_ids))
        .order_by(Batch.id.desc())
    )
    owners, channels, languages = [], [], []
    for channel, language, recipients, outcomes, reasons in rows:
        outcome, reason = np.frombuffer(outcomes, dtype=np.uint8), np.frombuffer(reasons, dtype=np.uint8)
        told = MAYBE[outcome] | ((outcome == Outcome.FAILED) & ~DEAD[reason])
        owners.append(np.frombuffer(recipients, dtype="<i8")[told])
        channels.append(np.full(len(owners[-1]), channel, dtype=np.uint8))
        languages.append(np.full(len(owners[-1]), language, dtype=np.uint8))
    if not owners:
        return Recipients.none()
    return Recipients.of(np.concatenate(owners), np.concatenate(channels), np.concatenate(languages))


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
