"""The plan by which phones decide for themselves, with its reach counted in people."""

from __future__ import annotations

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.geofence import BUDGET, Plan, plan
from geoalert.audience.topics import IN_ONE_CONDITION
from geoalert.operations.desk import Desk
from geoalert.store import database_now


async def device_plan(
    session: AsyncSession, desk: Desk, area: BaseGeometry, *, budget: int = BUDGET, most: int = IN_ONE_CONDITION
) -> Plan:
    """The plan for this area over the wards in force now.

    Raises:
        Invalid: a budget too small for any outline, or a number of topics that cannot be.
    """
    now = await database_now(session)
    made = plan(area, desk.city.tree.in_force(desk.day(now)), desk.city.config.epsg, budget=budget, most=most)
    ground_of = desk.last_known(now)
    grounds = (area, made.topics_reach.ground, made.outline_reach.ground)
    inside, by_topics, by_outline = [len(await desk.find(session, ground, ground_of)) for ground in grounds]
    return made.counted(inside, by_topics, by_outline)
