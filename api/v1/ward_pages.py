"""Documents about wards, made once and kept: a map is asked for far more often than its lines change."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Final

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geoalert.wards import City, Ward
from geoalert.wards.contacts import entry_facts, office_entries, offices_of, ward_facts
from geoalert.wards.lines import Lines, step_for

KEPT: Final = 32  # documents; the longest, every line as it is, has half a megabyte
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A document's bytes and the tag that stands for them."""

    body: bytes
    tag: str

    @classmethod
    def of(cls, document: object) -> Page:
        """Of a document that JSON can hold."""
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(body, f'"{sha256(body).hexdigest()[:32]}"')


class WardPages:
    """The pages of one city as it is; they are all forgotten when its tree is replaced."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._lines = Lines(city.tree, city.config.epsg)
        self._kept: OrderedDict[Key, Page] = OrderedDict()

    def collection(self, on: date, level: str | None, tolerance: float) -> Page:
        """The wards in force as GeoJSON (RFC 7946)."""

        def make() -> object:
            lines = self._lines.at(on, tolerance)
            return {
                "type": "FeatureCollection",
                "attribution": self.city.config.attribution,
                "epoch": self.city.tree.epoch_on(on).label,
                "note": self.city.note_on(on),
                "tolerance": step_for(tolerance),
                "features": [_feature(ward, self._facts(ward, on), lines[ward.code]) for ward in self._held(on, level)],
            }

        return self._page(("collection", on, level, step_for(tolerance)), make)

    def table(self, on: date, level: str | None) -> Page:
        """The wards in force without their lines."""
        return self._page(("table", on, level), lambda: [self._facts(ward, on) for ward in self._held(on, level)])

    def feature(self, ward: Ward, on: date, tolerance: float) -> Page:
        """One ward as a GeoJSON feature, with the directory's entry of each office that answers for it."""

        def make() -> object:
            offices = office_entries(self.city, offices_of(self.city, ward, on), on)
            facts = ward_facts(self.city, ward, on) | {"offices": offices, "tolerance": step_for(tolerance)}
            return _feature(ward, facts, self._lines.at(on, tolerance)[ward.code])

        return self._page(("feature", on, ward.code, step_for(tolerance)), make)

    def _held(self, on: date, level: str | None) -> list[Ward]:
        return [ward for ward in self.city.tree.in_force(on) if level in {None, ward.level}]

    def _facts(self, ward: Ward, on: date) -> dict[str, Any]:
        facts = ward_facts(self.city, ward, on)
        return facts | entry_facts(self.city, ward, on) if ward.level == "office" else facts

    def _page(self, key: Key, make: Callable[[], object]) -> Page:
        # Pages are made in threads, so another may have come or gone by now: nothing is looked up twice.
        page = self._kept.get(key)
        if page is None:
            page = self._kept[key] = Page.of(make())
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return page


def _feature(ward: Ward, facts: dict[str, Any], shape: BaseGeometry) -> dict[str, Any]:
    return {"type": "Feature", "id": ward.code, "properties": facts, "geometry": mapping(shape)}
