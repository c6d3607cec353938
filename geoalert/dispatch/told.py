"""Who has been told by earlier messages of an alert, and stopping what they have not yet said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.lease import finish
from geoalert.dispatch.outcomes import TOLD, Change, Outcome, end_open
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.packed import stacked
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.results import ADDRESS_STATE
from geoalert.dispatch.tables import Batch


def may_have_told(outcome: int, reason: int) -> bool:
    """Whether it may have reached the person. A carrier's "failed" can be followed by its "delivered"; only a dead
    address was surely not reached.
    """
    return outcome in TOLD or (outcome == Outcome.FAILED and reason not in ADDRESS_STATE)


# The same for many at once, by the two bytes as they are stored.
MAY_HAVE_TOLD = np.array(
    [[may_have_told(outcome, reason) for reason in range(256)] for outcome in range(max(Outcome) + 1)]
)


async def told_before(session: AsyncSession, message_ids: Sequence[int]) -> Recipients:
    """Everyone these messages may have reached, in the language they were last told in."""
    rows = await session.execute(
        select(Batch.channel, Batch.language, Batch.recipients, Batch.outcomes, Batch.reasons)
        .join(Message, Message.id == Batch.message_id)
        .where(Batch.message_id.in_(message_ids))
        .order_by(Message.number.desc(), Batch.number.desc())  # ids: one drafted early may have left late
    )
    return stacked(
        (
            channel,
            language,
            owners_in(recipients)[
                MAY_HAVE_TOLD[np.frombuffer(outcomes, dtype=np.uint8), np.frombuffer(reasons, dtype=np.uint8)]
            ],
        )
        for channel, language, recipients, outcomes, reasons in rows
    ).whole()


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
        spared += end_open(batch, change)
        if Outcome.UNCERTAIN not in batch.outcomes:
            finish(batch)
    return spared
