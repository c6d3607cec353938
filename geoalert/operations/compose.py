"""From what an author asks for to checked content, on the wards and service areas of this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import Content, Geography, Request, read_content
from geoalert.alerts.area import MAX_AREAS
from geoalert.alerts.ground import read_ground
from geoalert.operations.desk import Desk
from geoalert.store import database_now
from geoalert.wards.areas import areas_in_force


async def compose(session: AsyncSession, desk: Desk, request: Request) -> Content:
    """A checked content.

    Raises:
        Invalid: points at the field that is wrong.
    """
    now = await database_now(session)
    geography = await _geography(session, desk, request.areas, now)
    return read_content(request, now, desk.categories, geography)


async def outline(
    session: AsyncSession,
    desk: Desk,
    severity: str,
    wards: Sequence[str],
    areas: Sequence[str],
    drawn: Mapping[str, Any] | None,
    *,
    drill: bool,
    allow_drawn: Callable[[BaseGeometry], None] | None = None,
    now: datetime | None = None,
) -> BaseGeometry:
    """The shape an alert of this severity for these wards, service areas and drawn shape would have.

    Raises:
        Invalid: points at the part that is wrong, or whatever `allow_drawn` says of the drawn shape.
    """
    geography = await _geography(session, desk, areas, now or await database_now(session))
    ground = read_ground(geography, severity, wards, areas, drawn, drill=drill)
    if ground.drawn is not None and allow_drawn is not None:
        allow_drawn(ground.drawn)
    return ground.area


async def _geography(session: AsyncSession, desk: Desk, areas: Sequence[str], now: datetime) -> Geography:
    asked = list(dict.fromkeys(areas))[:MAX_AREAS]
    held = await areas_in_force(session, desk.city.config.key, desk.day(now), asked) if asked else {}
    return desk.geography(now, held)
