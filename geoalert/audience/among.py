"""Who of a few known people has a place in an area: every place of theirs tested, without cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.grounds import sharing
from geoalert.audience.people import People
from geoalert.audience.sieve import Sieve
from geoalert.store import IDS_A_QUERY
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.tables import AreaPlace, Place


@dataclass(frozen=True, slots=True)
class Among:
    """As `people_in`, of these people only: every place of theirs is tested as it is in the session's snapshot. The
    sieve leaves nobody out.
    """

    ids: Sequence[int]

    async def __call__(
        self,
        session: AsyncSession,
        area: BaseGeometry,
        ground_of: Callable[[str], BaseGeometry],
        _sieve: Sieve | None = None,
    ) -> People:
        found = People.none()
        shapely.prepare(area)
        for start in range(0, len(self.ids), IDS_A_QUERY):
            group = self.ids[start : start + IDS_A_QUERY]
            found = found.joined(await _points_of(session, group, area))
            found = found.joined(await _grounds_of(session, group, area, ground_of))
        return found


async def _points_of(session: AsyncSession, ids: Sequence[int], area: BaseGeometry) -> People:
    rows = await session.execute(
        select(Place.subscriber_id, Place.attr, Place.categories, Place.x, Place.y).where(Place.subscriber_id.in_(ids))
    )
    places = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 5)
    inside = places[shapely.intersects_xy(area, places[:, 3] / SCALE, places[:, 4] / SCALE)]
    return People.of(inside[:, 0], inside[:, 1], inside[:, 2], np.ones(len(inside), dtype=bool))


async def _grounds_of(
    session: AsyncSession, ids: Sequence[int], area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]
) -> People:
    rows = await session.execute(
        select(AreaPlace.subscriber_id, AreaPlace.attr, AreaPlace.categories, AreaPlace.code).where(
            AreaPlace.subscriber_id.in_(ids)
        )
    )
    found = rows.all()
    touched = set(sharing(area, list({row.code for row in found}), ground_of))
    inside = np.array([tuple(row[:3]) for row in found if row.code in touched], dtype=np.int64).reshape(-1, 3)
    return People.of(inside[:, 0], inside[:, 1], inside[:, 2], np.zeros(len(inside), dtype=bool))
