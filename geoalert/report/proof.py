"""Checking a release against the stored places by other means than made it: no cells, no index, plain shapely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.tables import Batch
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.tables import AreaPlace, Place

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Proof:
    """People of one message: told, of those outside its area, told twice by one channel, and inside in all."""

    message: str
    told: int
    outside: int
    twice: int
    inside: int


async def prove(session: AsyncSession, message: Message, ground_of: Callable[[str], shapely.Geometry]) -> Proof:
    """Tests every stored place against the message's area, and every recipient against the result. `ground_of` gives
    the ground of a ward or a rounded cell by its code.
    """
    pairs: Counter[tuple[int, int]] = Counter()
    for batch in await session.scalars(select(Batch).where(Batch.message_id == message.id)):
        pairs.update((owner, batch.channel) for owner in recipients_of(batch) if owner > 0)
    people = {owner for owner, _ in pairs}
    inside = set((await _inside(session, message, ground_of)).tolist())
    return Proof(
        message=message.identifier,
        told=len(people),
        outside=len(people - inside),
        twice=sum(1 for count in pairs.values() if count > 1),
        inside=len(inside),
    )


async def _inside(
    session: AsyncSession, message: Message, ground_of: Callable[[str], shapely.Geometry]
) -> NDArray[np.int64]:
    rows = (await session.execute(select(Place.subscriber_id, Place.x, Place.y))).all()
    places = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 3)
    points = shapely.points(places[:, 1] / SCALE, places[:, 2] / SCALE)
    by_point = places[shapely.intersects(points, message.area), 0]
    area_rows = (await session.execute(select(AreaPlace.subscriber_id, AreaPlace.code))).all()
    grounds = {code: ground_of(code) for _, code in area_rows}
    shared = {code: shapely.intersection(ground, message.area).area > 0 for code, ground in grounds.items()}
    by_ground = [person for person, code in area_rows if shared[code]]
    return np.union1d(by_point, np.array(by_ground, dtype=np.int64))
