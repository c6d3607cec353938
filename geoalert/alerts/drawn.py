"""What an author drew, in GeoJSON (RFC 7946): a polygon, several, a circle, or a collection of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import shapely
from shapely.geometry import MultiPolygon, Polygon

from geoalert.alerts.area import DRAWN, is_position, read_polygon, refuse_outside
from geoalert.alerts.circle import LARGEST_M, Circle
from geoalert.errors import Invalid

MOST: Final = 100  # features
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """All of it as one shape, lon, lat in EPSG:4326, and the circles in it as they were asked for."""

    shape: Polygon | MultiPolygon
    circles: tuple[Circle, ...] = ()


def read_drawn(raw: Mapping[str, Any], bounds: Bounds) -> Drawn:
    """A Polygon or MultiPolygon, a Feature of one, a Feature of a Point whose properties give `radius_m` (a circle), or
    a FeatureCollection of such. `bounds` is the city's (west, south, east, north).

    Raises:
        Invalid: a part is none of these, empty, crossing itself, outside the city, or there are too many.
    """
    if raw.get("type") != "FeatureCollection":
        return _part(raw, bounds)
    features = raw.get("features")
    if not isinstance(features, Sequence) or not features or not all(isinstance(one, Mapping) for one in features):
        raise Invalid("a FeatureCollection needs one feature or more", pointer=DRAWN)
    if len(features) > MOST:
        raise Invalid(f"{len(features)} features; at most {MOST}", pointer=DRAWN)
    parts = [_part(feature, bounds) for feature in features]
    shape = shapely.union_all([part.shape for part in parts])
    return Drawn(shape, tuple(circle for part in parts for circle in part.circles))


def _part(raw: Mapping[str, Any], bounds: Bounds) -> Drawn:
    geometry = raw.get("geometry") if raw.get("type") == "Feature" else raw
    if isinstance(geometry, Mapping) and geometry.get("type") == "Point" and raw is not geometry:
        circle = _circle(geometry.get("coordinates"), raw.get("properties"))
        shape = circle.polygon()
        refuse_outside(shape, bounds)
        return Drawn(shape, (circle,))
    return Drawn(read_polygon(geometry, bounds))


def _circle(centre: object, properties: object) -> Circle:
    if not is_position(centre):
        raise Invalid("the centre of a circle is one [longitude, latitude]", pointer=DRAWN)
    radius = properties.get("radius_m") if isinstance(properties, Mapping) else None
    if not isinstance(radius, int | float) or isinstance(radius, bool) or not 1 <= radius <= LARGEST_M:
        raise Invalid(
            f"a Feature of a Point is a circle: give properties.radius_m, 1 to {LARGEST_M:.0f} metres", pointer=DRAWN
        )
    lon, lat = (float(number) for number in list(centre)[:2])  # type: ignore[call-overload]
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):  # noqa: PLR2004 - degrees; nothing at the poles is a circle here
        raise Invalid("the centre of a circle is one [longitude, latitude]", pointer=DRAWN)
    return Circle(lon, lat, float(radius))
