"""A look at the store: where its log stands, and who has a place in an area at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.changes import Position, position
from geoalert.audience.places import people_in
from geoalert.audience.resolve import Finder


@dataclass(frozen=True, slots=True)
class Look:
    """`find` sees everybody who had committed at `position`. Whoever commits later it may see or not: they are found
    again by whoever follows the log from there.
    """

    position: Position
    find: Finder


class Looker(Protocol):
    """Looks at the store as it is now, for what is about to be asked of this area."""

    async def __call__(self, session: AsyncSession, area: BaseGeometry, /) -> Look: ...


async def look_in_store(session: AsyncSession, _area: BaseGeometry) -> Look:
    """By the store's own path."""
    return Look(await position(session), people_in)
