"""Pace shared by all workers: one GCRA row per provider in the database (the leaky bucket as a meter)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.tables import Pace
from geoalert.store import insert_for

BURST = 0.5  # seconds of the rate that may leave at once
FARTHEST = 10.0  # seconds ahead a booking may lie: a clock that stepped back must not silence a provider


async def reserve(session: AsyncSession, name: str, count: int, rate: float, now: datetime) -> float:
    """Books `count` sends at `rate` a second; returns the seconds to wait before the first. Books in the caller's
    transaction, so that a booking that is rolled back costs nothing.
    """
    moment = now.timestamp()
    await session.execute(insert_for(session)(Pace).values(name=name, tat=moment).on_conflict_do_nothing())
    row = (await session.scalars(select(Pace).where(Pace.name == name).with_for_update())).one()
    begin = min(max(row.tat, moment), moment + FARTHEST)
    row.tat = begin + count / rate
    await session.flush()
    return max(0.0, begin - moment - BURST)
