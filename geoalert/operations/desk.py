"""What use cases need to do their work, handed to them by bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import Category, Geography
from geoalert.audience import Aim, DividedFinder, Finder, Looker, divided_in, look_in_store, people_in
from geoalert.dispatch.engine import Engine
from geoalert.dispatch.plan import Route
from geoalert.store import Store
from geoalert.subscribers.rounded import is_rounded, rounded_box
from geoalert.wards import City, WardIndex
from geoalert.wards.held import HeldCity
from geoalert.wards.service_area import ServiceArea


@dataclass(frozen=True)
class Desk:
    """The open store, the city, the categories and the way to the workers."""

    store: Store
    engine: Engine
    held: HeldCity
    categories: Mapping[str, Category]
    routes: Mapping[int, Route] = field(default_factory=dict)
    find: Finder = people_in
    find_divided: DividedFinder = divided_in
    look: Looker = look_in_store
    widen_m: int = 0  # metres around wards of Severe and Extreme messages
    weekly_budget: int = 0  # alerts of low severity a person is told of within seven days; 0: no bound
    next_channel_after: timedelta = timedelta(0)  # in which a Severe message has to have arrived; 0: no bound

    @property
    def city(self) -> City:
        """The city as of the last `refresh`."""
        return self.held.city

    @property
    def index(self) -> WardIndex:
        return self.held.index

    async def refresh(self, session: AsyncSession) -> None:
        """Makes the city what this session sees: one row when nothing changed. At the door of whatever asks it."""
        await self.held.refresh(session)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.city.config.timezone)

    @cached_property
    def category_bits(self) -> Mapping[str, int]:
        return {key: category.bit for key, category in self.categories.items()}

    def day(self, now: datetime) -> date:
        """The city's date at this moment."""
        return now.astimezone(self.zone).date()

    def geography(self, now: datetime, areas: Mapping[str, ServiceArea] | None = None) -> Geography:
        """The wards in force at this moment, and the service areas that were looked up."""
        box = self.city.config.bbox
        on, tree = self.day(now), self.city.tree

        def in_force(code: str) -> BaseGeometry:
            return tree.get(code, on).geometry

        return Geography(
            (box.west, box.south, box.east, box.north),
            tree.epoch_on(on).label,
            in_force,
            areas or {},
            self.city.config.epsg,
            self.widen_m,
        )

    def last_known(self, now: datetime) -> Callable[[str], BaseGeometry]:
        """The line of a ward by its code at this moment, or the last it had: who chose a ward that has gone is still
        told by its ground; of a rounded cell its square. What it returns raises NotFound for a ward that never was.
        """
        on, tree = self.day(now), self.city.tree

        def line(code: str) -> BaseGeometry:
            return rounded_box(code) if is_rounded(code) else tree.last_known(code, on).geometry

        return line

    def aim(self, area: BaseGeometry, category: str, severity: str, channels: frozenset[int], *, now: datetime) -> Aim:
        """An audience of this area under today's rules."""
        return Aim(
            area=area,
            category_bit=self.categories[category].bit,
            severity=severity,
            channels=channels,
            zone=self.zone,
            ground_of=self.last_known(now),
        )
