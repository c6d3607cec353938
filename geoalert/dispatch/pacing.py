"""Pace shared by all workers: a GCRA row per provider and lane in the database (the leaky bucket as a meter).

The emergency lane books the provider's whole rate and puts its bookings in front of the routine lane's. While there is
an emergency to carry, routine work has a tenth of the rate: enough not to stop, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Float, Table, bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.tables import Pace
from geoalert.store import insert_for

BURST: Final = 0.5  # seconds of the rate that may leave at once
LONGEST: Final = 5.0  # seconds that anybody waits for a turn: who would wait for longer comes back later
HELD_OFF: Final = 10.0  # seconds for which a provider may hold everybody off
FARTHEST: Final = 20.0  # seconds; no booking lies further ahead: a clock stepped back, and must not silence a provider
TRICKLE: Final = 0.1  # of the rate, for routine work beside an emergency
LONGEST_TRICKLE: Final = 1.0  # seconds that routine work waits for its turn there before it gives its place up

_TAT = Pace.tat
_MOMENT = bindparam("moment", type_=Float())
_BEGIN = case((_TAT > _MOMENT + FARTHEST, _MOMENT), (_TAT > _MOMENT, _TAT), else_=_MOMENT)
_BOOKED: Final = (
    update(cast("Table", Pace.__table__))
    .where(Pace.name == bindparam("lane"), bindparam("longest", type_=Float()) >= _BEGIN - _MOMENT - BURST)
    .values(tat=_BEGIN + bindparam("length", type_=Float()))
    .returning(_TAT)
)


@dataclass(frozen=True, slots=True)
class Place:
    """After how many seconds the first of them may leave; `booked` is False where that is too long to wait for."""

    wait: float
    booked: bool


async def book(
    session: AsyncSession, channel: Channel, count: int, now: datetime, *, urgent: bool, pressed: bool
) -> Place:
    """Books `count` sends; `pressed` is routine work beside an emergency. However many workers book, their sends
    together keep the rate: nothing is booked where the wait would be long. Books in the caller's transaction, so that a
    booking that is rolled back costs nothing.
    """
    lane, rate = f"{channel.provider}:{channel.name}", channel.traits.rate
    if urgent:
        place = await _reserve(session, f"{lane}:emergency", count, rate, now, LONGEST)
        if place.booked:
            await _reserve(session, lane, count, rate, now, FARTHEST)
        return place
    if pressed:
        return await _reserve(session, f"{lane}:trickle", count, rate * TRICKLE, now, LONGEST_TRICKLE)
    return await _reserve(session, lane, count, rate, now, LONGEST)


async def make_ready(session: AsyncSession) -> None:
    """The statement by which places are booked, asked of no lane."""
    await session.scalar(_BOOKED, {"lane": "", "moment": 0.0, "longest": 0.0, "length": 0.0})


async def hold_off(session: AsyncSession, channel: Channel, seconds: float, now: datetime) -> None:
    """Nobody asks this provider for so long: it said that it is asked too often."""
    for lane in (":emergency", "", ":trickle"):  # in the order in which they are booked
        row = await _row(session, f"{channel.provider}:{channel.name}{lane}", now)
        row.tat = max(row.tat, now.timestamp() + min(seconds, HELD_OFF))


async def _reserve(session: AsyncSession, name: str, count: int, rate: float, now: datetime, longest: float) -> Place:
    moment, length = now.timestamp(), count / rate
    asked = {"lane": name, "moment": moment, "longest": longest, "length": length}
    taken = await session.scalar(_BOOKED, asked)
    if taken is None:
        row = await _row(session, name, now)  # locked: a lane that has just been made, or one that is full
        taken = await session.scalar(_BOOKED, asked)
        if taken is None:
            return Place(row.tat - moment - BURST, booked=False)
    return Place(max(0.0, taken - length - moment - BURST), booked=True)


async def _row(session: AsyncSession, name: str, now: datetime) -> Pace:
    """The row, locked; made where there is none."""
    query = select(Pace).where(Pace.name == name).with_for_update().execution_options(populate_existing=True)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        await session.execute(insert_for(session)(Pace).values(name=name, tat=now.timestamp()).on_conflict_do_nothing())
        row = (await session.scalars(query)).one()
    return row
