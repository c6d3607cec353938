"""Ending what nobody carries any more: batches that waited, parked or queued, until their message expired."""

from __future__ import annotations

from sqlalchemy import select

from geoalert.dispatch.lease import finish
from geoalert.dispatch.outcomes import Outcome, end_open
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.store import Store, database_now

GROUP = 100


async def close_expired(store: Store) -> int:
    """Marks what is still open in expired batches, and finishes them; returns how many. Those a worker holds end at
    its next chunk.
    """
    async with store.reading() as session:
        waits = Batch.state.in_(["queued", "parked"]) & (Batch.expires <= await database_now(session))
        ids = list(await session.scalars(select(Batch.id).where(waits).order_by(Batch.id).limit(GROUP)))
    if not ids:
        return 0
    async with store.writing() as session:
        waits = Batch.state.in_(["queued", "parked"]) & (Batch.expires <= await database_now(session))
        batches = await session.scalars(
            select(Batch).where(Batch.id.in_(ids), waits).order_by(Batch.id).with_for_update(skip_locked=True)
        )
        for batch in list(batches):
            await end_open(session, batch, (Outcome.EXPIRED, Reason.EXPIRED))
            finish(batch)
    return len(ids)
