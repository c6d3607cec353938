"""Who has a place in an area, asked of the store itself: transactional, exact, without a cache.

Boundary rule: a place exactly on the line is inside. Ward places match when the ward shares interior with the area.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.cover import cover
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.tables import AreaPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARES_INTERIOR = "T********"  # DE-9IM

# One range scan a run. PostgreSQL takes a wrong plan (2.6-21 s instead of 0.1) unless OFFSET 0 fences the lateral part.
RANGES = {
    "sqlite": text(
        "SELECT p.x, p.y, p.subscriber_id, json_extract(r.value, '$[2]') AS edge"
        " FROM json_each(:runs) AS r CROSS JOIN place AS p"
        " WHERE p.cell BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]')"
    ),
    "postgresql": text(
        "SELECT p.x, p.y, p.subscriber_id, r.edge"
        " FROM unnest(CAST(:first AS bigint[]), CAST(:last AS bigint[]), CAST(:edge AS bigint[]))"
        " AS r(first, last, edge)"
        " CROSS JOIN LATERAL (SELECT x, y, subscriber_id FROM place"
        " WHERE cell BETWEEN r.first AND r.last OFFSET 0) AS p"
    ),
}


async def people_in(
    session: AsyncSession, area: BaseGeometry, ward_geometry: Callable[[str], BaseGeometry]
) -> NDArray[np.int64]:
    """Ids of the subscribers with a place in the area, ascending, each once. `ward_geometry` gives the last known
    line of a ward by its code.
    """
    points = await _point_places(session, area)
    wards = await _ward_places(session, area, ward_geometry)
    return np.union1d(points, wards)


async def _point_places(session: AsyncSession, area: BaseGeometry) -> NDArray[np.int64]:
    runs = cover(area)
    dialect = session.get_bind().dialect.name
    parameters: dict[str, Any] = (
        {"runs": json.dumps(runs.tolist())}
        if dialect == "sqlite"
        else {"first": runs[:, 0].tolist(), "last": runs[:, 1].tolist(), "edge": runs[:, 2].tolist()}
    )
    rows = (await session.execute(RANGES[dialect], parameters)).all()
    if not rows:
        return np.empty(0, dtype=np.int64)
    x, y, subscriber, edge = np.array([tuple(row) for row in rows], dtype=np.int64).T
    inside = edge == 0
    on_edge = np.flatnonzero(edge)
    shapely.prepare(area)
    inside[on_edge] = shapely.intersects_xy(area, x[on_edge] / SCALE, y[on_edge] / SCALE)
    return np.unique(subscriber[inside])


async def _ward_places(
    session: AsyncSession, area: BaseGeometry, ward_geometry: Callable[[str], BaseGeometry]
) -> NDArray[np.int64]:
    codes = list(await session.scalars(select(AreaPlace.code).distinct()))
    touched = [code for code in codes if area.relate_pattern(ward_geometry(code), SHARES_INTERIOR)]
    if not touched:
        return np.empty(0, dtype=np.int64)
    found = await session.scalars(select(AreaPlace.subscriber_id).where(AreaPlace.code.in_(touched)))
    return np.unique(np.fromiter(found, dtype=np.int64))
