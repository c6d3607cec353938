"""Reading and writing how providers are: rows that all workers share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.carrier import Situation
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.halts import halts_of
from geoalert.dispatch.health import PROBE, fresh
from geoalert.dispatch.tables import Batch, ProviderHealth
from geoalert.store import insert_for

_SEEN: Final = (
    select(ProviderHealth)
    .where(ProviderHealth.provider.in_(bindparam("providers", expanding=True)))
    .execution_options(populate_existing=True)
)
_LOCKED: Final = (
    select(ProviderHealth)
    .where(ProviderHealth.provider == bindparam("provider"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def situation_of(session: AsyncSession, batch: Batch, channels: Sequence[Channel], now: datetime) -> Situation:
    """What is known of these providers now, for this batch."""
    providers = [channel.provider for channel in channels]
    health = {row.provider: row for row in await session.scalars(_SEEN, {"providers": providers})}
    return Situation(now, batch.priority, health, await halts_of(session, providers, batch.message_id))


async def locked_health(session: AsyncSession, provider: str, now: datetime) -> ProviderHealth:
    """The provider's row, locked; made where there is none."""
    asked = {"provider": provider}
    row = (await session.scalars(_LOCKED, asked)).one_or_none()
    if row is None:
        made = fresh(provider, now)
        values = {column.name: getattr(made, column.name) for column in ProviderHealth.__table__.columns}
        await session.execute(insert_for(session)(ProviderHealth).values(**values).on_conflict_do_nothing())
        row = (await session.scalars(_LOCKED, asked)).one()
    return row


async def claim_trial(session: AsyncSession, provider: str, now: datetime) -> bool:
    """Whether the caller may be the one who tries this provider now."""
    free = or_(
        ProviderHealth.probe_until.is_(None),
        ProviderHealth.probe_until < now,
        ProviderHealth.probe_until > now + PROBE,  # of a clock that has stepped back since
    )
    claimed = await session.execute(
        update(ProviderHealth)
        .where(ProviderHealth.provider == provider, free)
        .values(probe_until=now + PROBE)
        .returning(ProviderHealth.provider)
    )
    return claimed.first() is not None


async def release_trial(session: AsyncSession, provider: str) -> None:
    """Nobody was handed over after all: another may try."""
    await session.execute(update(ProviderHealth).where(ProviderHealth.provider == provider).values(probe_until=None))
