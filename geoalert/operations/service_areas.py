"""Taking a utility's areas into the store: their owners are departments of this city."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.departments.tables import Department
from geoalert.operations.desk import Desk
from geoalert.wards.areas import Imported, import_areas
from geoalert.wards.service_area import ServiceArea


async def take_areas(session: AsyncSession, desk: Desk, areas: Sequence[ServiceArea], by: str) -> Imported:
    """All of them, or none.

    Raises:
        Invalid: an owner that is no department.
        Conflict: what is held stands against it.
    """
    departments = frozenset(await session.scalars(select(Department.code)))
    return await import_areas(session, desk.city.config.key, areas, departments, by)
