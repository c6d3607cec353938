"""What use cases need to do their work, handed to them by bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from shapely.geometry.base import BaseGeometry

from geoalert.alerts import Category, Geography
from geoalert.audience import Aim
from geoalert.dispatch.engine import Engine
from geoalert.dispatch.plan import Route
from geoalert.errors import NotFound
from geoalert.store import Store
from geoalert.wards import City, WardIndex


@dataclass(frozen=True)
class Desk:
    """The open store, the city, the categories and the way to the workers."""

    store: Store
    engine: Engine
    city: City
    categories: Mapping[str, Category]
    routes: Mapping[int, Route] = field(default_factory=dict)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.city.config.timezone)

    @cached_property
    def index(self) -> WardIndex:
        return WardIndex(self.city.tree, self.city.config.note)

    @cached_property
    def category_bits(self) -> Mapping[str, int]:
        return {key: category.bit for key, category in self.categories.items()}

    def day(self, now: datetime) -> date:
        """The city's date at this moment."""
        return now.astimezone(self.zone).date()

    def geography(self, now: datetime) -> Geography:
        """The wards in force at this moment."""
        box = self.city.config.bbox
        on = self.day(now)

        def in_force(code: str) -> BaseGeometry:
            return self.city.tree.get(code, on).geometry

        return Geography((box.west, box.south, box.east, box.north), self.city.tree.epoch, in_force)

    def last_known(self, code: str) -> BaseGeometry:
        """The newest line of a ward, in force or not: who chose a ward that has gone is still told by its ground.

        Raises:
            NotFound: there never was such a ward.
        """
        records = self.city.tree.by_code.get(code)
        if not records:
            raise NotFound(f"no ward {code[:60]!r}")
        return records[-1].geometry

    def aim(self, area: BaseGeometry, category: str, severity: str, channels: frozenset[int]) -> Aim:
        """An audience of this area under today's rules."""
        return Aim(
            area=area,
            category_bit=self.categories[category].bit,
            severity=severity,
            channels=channels,
            zone=self.zone,
            ward_geometry=self.last_known,
        )
