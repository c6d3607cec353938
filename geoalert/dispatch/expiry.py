"""Ending what nobody carries any more: batches that waited, parked or queued, until their message expired."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select

from geoalert.dispatch.lease import finish
from geoalert.dispatch.outcomes import Outcome, end_open, merge_locked
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.store import Store, database_now

GROUP = 100


async def close_expired(store: Store) -> int:
    """Marks what is still open in expired batches, and finishes them; returns how many. Those a worker holds end at
    its next chunk.
    """
    async with store.looking() as session:  # each second, and mostly in vain: what is found is looked at again
        waits = _over(await database_now(session))
        ids = list(await session.scalars(select(Batch.id).where(waits).order_by(Batch.id).limit(GROUP)))
    if not ids:
        return 0
    async with store.writing() as session:
        waits = _over(await database_now(session))
        batches = await session.scalars(
            select(Batch).where(Batch.id.in_(ids), waits).order_by(Batch.id).with_for_update(skip_locked=True)
        )
        for batch in list(batches):
            left = [position for position, outcome in enumerate(batch.outcomes) if outcome == Outcome.SENDING]
            merge_locked(batch, dict.fromkeys(left, (Outcome.UNCERTAIN, Reason.WORKER_LOST)))
            end_open(batch, (Outcome.EXPIRED, Reason.EXPIRED))
            finish(batch)
    return len(ids)


def _over(now: datetime) -> ColumnElement[bool]:
    """Expired, and in nobody's hands."""
    free = Batch.state.in_(["queued", "parked"]) | ((Batch.state == "leased") & (Batch.lease_until < now))
    return free & (Batch.expires <= now)
