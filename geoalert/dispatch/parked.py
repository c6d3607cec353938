"""Letting parked batches go on once a person has mended what parked them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.plan import Announced, Route
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch


async def resume_parked(session: AsyncSession, routes: Mapping[int, Route]) -> list[Announced]:
    """Queues every parked batch that has a provider now, except those that wait for the cell; returns them."""
    parked = await session.scalars(
        select(Batch)
        .where(Batch.state == "parked", Batch.parked_for != Reason.AWAITS_PUBLISHER)
        .order_by(Batch.id)
        .with_for_update()
    )
    queued = []
    for batch in list(parked):
        provider = batch.provider or (routes[batch.channel].provider if batch.channel in routes else "")
        if provider:
            batch.provider, batch.state, batch.parked_for = provider, "queued", Reason.NONE
            queued.append(Announced(batch.id, batch.priority, provider))
    return queued
