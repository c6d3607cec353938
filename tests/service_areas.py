"""Service areas made up for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final

import shapely

from geoalert.wards.service_area import ServiceArea

BEGIN: Final = date(2021, 6, 30)
# Around Kothrud Gaothan; a corner of two prabhags and no ward's own line.
TANK: Final = shapely.box(73.800, 18.500, 73.815, 18.515)


def make_area(code: str = "test-tank", shape: shapely.Polygon = TANK, **changes: Any) -> ServiceArea:
    """A tank's area of the water supply department, in force from the first day that is held."""
    facts: dict[str, Any] = {
        "kind": "tank-zone",
        "name_en": "Test tank area",
        "name_mr": "चाचणी टाकी परिसर",
        "name_hi": "परीक्षण टंकी क्षेत्र",
        "department": "water-supply",
        "valid_from": BEGIN,
        "valid_to": None,
        "illustrative": False,
        "source": "made up for a test",
    }
    return ServiceArea(code=code, geometry=shape, **(facts | changes))


def write_areas(path: Path, areas: Iterable[ServiceArea], **changes: Any) -> Path:
    """The areas as a utility's GeoJSON; `changes` go into every feature's properties."""
    features = [
        {
            "type": "Feature",
            "properties": {
                **{name: getattr(area, name) for name in ("code", "kind", "name_en", "name_mr", "name_hi")},
                "department": area.department,
                "valid_from": area.valid_from.isoformat(),
                "valid_to": area.valid_to and area.valid_to.isoformat(),
                "illustrative": area.illustrative,
                "source": area.source,
            }
            | changes,
            "geometry": json.loads(shapely.to_geojson(area.geometry)),
        }
        for area in areas
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path
