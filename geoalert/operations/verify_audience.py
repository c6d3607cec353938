"""The checks of the audience, on the ground of this city."""

from __future__ import annotations

import shapely
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.verify import Check, verify
from geoalert.operations.desk import Desk
from geoalert.store import database_now


async def verify_audience(session: AsyncSession, desk: Desk) -> list[Check]:
    """All checks; the paths are compared on every unit, every office and the whole city."""
    now = await database_now(session)
    tree, on = desk.city.tree, desk.day(now)
    areas = {ward.code: ward.geometry for ward in (*tree.units(on), *tree.offices(on))}
    areas["city"] = shapely.union_all(list(areas.values()))
    return await verify(session, areas, desk.last_known(now))
