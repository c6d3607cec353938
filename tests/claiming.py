"""A claim as a worker makes it, for tests that need a batch in somebody's hands."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch import lease as leases
from geoalert.store import database_now


async def claim(session: AsyncSession, batch_id: int, owner: str, lease: timedelta) -> int | None:
    """The generation, or None when the batch is not to be had."""
    batch = await leases.locked(session, batch_id)
    now = await database_now(session)
    generation = None if batch is None else leases.claim(batch, owner, lease, now)
    await session.flush()
    return generation
