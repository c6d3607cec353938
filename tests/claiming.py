"""A claim as a worker makes it, for tests that need a batch in somebody's hands."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch import lease as leases


async def claim(session: AsyncSession, batch_id: int, owner: str, lease: timedelta) -> int | None:
    """The generation, or None when the batch is not to be had."""
    found = await leases.locked(session, batch_id)
    generation = None if found is None else leases.claim(found.batch, owner, lease, found.now)
    await session.flush()
    return generation
