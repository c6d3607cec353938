"""Reading and writing how providers are: rows that all workers share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, literal, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from geoalert.dispatch.carrier import ANYWHERE, Situation
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.halts import CONCERNING
from geoalert.dispatch.health import PROBE, fresh, observe
from geoalert.dispatch.lease import AT_WORK
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.tables import Batch, Halt, ProviderHealth
from geoalert.dispatch.tally import Tally
from geoalert.store import Store, database_now, insert_for

# One question for all of it, answered by every pair of a provider's health and a halt; by one of nothing and nothing
# where there is neither.
_ONE: Final = select(literal(1).label("one")).subquery("one")
_HALTS: Final = aliased(Halt, CONCERNING.cte("halts").prefix_with("MATERIALIZED"))
_SEEN: Final = (
    select(ProviderHealth, _HALTS, AT_WORK.exists())
    .select_from(_ONE)
    .outerjoin(ProviderHealth, ProviderHealth.provider.in_(bindparam("carriers", expanding=True)))
    .outerjoin(_HALTS, true())
    .order_by(_HALTS.message_id)
    .execution_options(populate_existing=True)
)
_LOCKED: Final = (
    select(ProviderHealth)
    .where(ProviderHealth.provider == bindparam("provider"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def situation_of(session: AsyncSession, batch: Batch, channels: Sequence[Channel], now: datetime) -> Situation:
    """What is known of these providers now, for this batch; of a routine one also whether an emergency presses."""
    providers = [channel.provider for channel in channels]
    asked = {
        "carriers": providers,
        "providers": [*providers, ANYWHERE],
        "message": batch.message_id,
        "channel": batch.channel,
        "up_to": EMERGENCY,
        "now": now,
    }
    rows = (await session.execute(_SEEN, asked)).all()
    health = {known.provider: known for known, _, _ in rows if known is not None}
    halts = list(dict.fromkeys(halt for _, halt, _ in rows if halt is not None))
    pressed = batch.priority > EMERGENCY and bool(rows[0][2])
    return Situation(now, batch.priority, health, halts, pressed=pressed)


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


async def note_kept(store: Store, tally: Tally, at: float) -> None:
    """Notes the good answers that a worker has kept for long enough by now, which is `at` in the loop's time."""
    for provider in tally.waiting(at):
        async with store.writing() as session:
            now = await database_now(session)
            health = await locked_health(session, provider, now)
            if kept := tally.taken(provider, at):  # no chunk was first, while the row was waited for
                observe(health, kept.kinds, 0.0, now, spread=0.0, said=kept.said)


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
