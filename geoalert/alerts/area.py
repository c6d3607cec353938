"""Where an alert holds: wards, service areas, a drawn shape, or several of them together. lon, lat, EPSG:4326."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from hashlib import sha256
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from geoalert.errors import Invalid, NotFound
from geoalert.wards.config import Bbox
from geoalert.wards.reach import FARTHEST_KM, around
from geoalert.wards.service_area import ServiceArea

MAX_VERTICES = 20_000
MAX_WARDS = 200
MAX_AREAS = 200
PLACES = 7  # decimals: 1.1 cm, the lattice places are stored on
FARTHEST = 1e6  # no coordinate is near it; NaN compares false
EAST, NORTH = 180, 90
KINDS = ("Polygon", "MultiPolygon")
DRAWN = "/area/drawn"


def read_polygon(geometry: object, bounds: tuple[float, float, float, float]) -> Polygon | MultiPolygon:
    """A drawn (multi)polygon from its GeoJSON (RFC 7946). `bounds` is the city's (west, south, east, north).

    Raises:
        Invalid: not a polygon, empty, too many vertices, crossing itself (says where), outside the city, or with
            latitude and longitude swapped.
    """
    if not isinstance(geometry, Mapping) or geometry.get("type") not in KINDS:
        raise Invalid("draw a GeoJSON Polygon or MultiPolygon, or a circle as a Feature of a Point", pointer=DRAWN)
    _rings_are_closed(geometry)
    try:
        drawn = shapely.force_2d(shape(geometry))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise Invalid("the coordinates are not rings of [longitude, latitude] numbers", pointer=DRAWN) from None
    if drawn.is_empty or drawn.convex_hull.area == 0:  # a bow tie's own area can be 0
        raise Invalid("the drawn area is empty", pointer=DRAWN)
    count = shapely.get_num_coordinates(drawn)
    if count > MAX_VERTICES:
        raise Invalid(f"the drawn area has {count} corners; at most {MAX_VERTICES}", pointer=DRAWN)
    refuse_outside(drawn, bounds)
    snapped = shapely.transform(drawn, lambda corners: corners.round(PLACES))
    if not snapped.is_valid:
        raise Invalid(f"the drawn area is not valid: {explain_validity(snapped)}", pointer=DRAWN)
    return snapped


def area_digest(area: BaseGeometry) -> str:
    """What an area is named by in approvals and in the audit: SHA-256, in hex, of its normalised WKB in degrees."""
    return sha256(shapely.to_wkb(shapely.normalize(area))).hexdigest()


def _rings_are_closed(geometry: Mapping[str, Any]) -> None:
    polygons = geometry.get("coordinates")
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    for polygon in polygons if isinstance(polygons, list) else [None]:
        for ring in polygon if isinstance(polygon, list) and polygon else [None]:
            if not isinstance(ring, list) or len(ring) < 4:  # noqa: PLR2004 - RFC 7946, 3.1.6
                raise Invalid("a ring needs four positions or more", pointer=DRAWN)
            if not all(map(is_position, ring)):
                raise Invalid("the coordinates are not rings of [longitude, latitude] numbers", pointer=DRAWN)
            if ring[0] != ring[-1]:
                raise Invalid("a ring must end where it begins", pointer=DRAWN)


def refuse_outside(drawn: BaseGeometry, bounds: tuple[float, float, float, float]) -> None:
    """Raises Invalid where nothing of it lies within these bounds, or a part of it beyond the world or far from the
    city, saying so where the axes were swapped. What crosses the antimeridian is the whole rest of the world where
    it was not cut there (RFC 7946, 3.1.9), and refused as that.
    """
    city, parts = shapely.box(*bounds), shapely.get_parts(drawn)
    reached = city.intersects(parts)
    if reached.any():
        west, south, east, north = drawn.bounds
        if west < -EAST or east > EAST or south < -NORTH or north > NORTH:
            raise Invalid("a longitude is -180 to 180, a latitude -90 to 90", pointer=DRAWN)
        far = ~shapely.box(*astuple(around(Bbox(*bounds)))).contains(shapely.box(*shapely.bounds(parts).T))
        if not far.any():
            return
        parts = parts[far & ~reached]
    if shapely.intersects(city, shapely.box(*shapely.bounds(parts)[:, (1, 0, 3, 2)].T)).any():
        raise Invalid("latitude and longitude look swapped; GeoJSON puts longitude first", pointer=DRAWN)
    if reached.any():
        raise Invalid(f"the drawn area reaches more than {FARTHEST_KM} km beyond the city", pointer=DRAWN)
    raise Invalid("the drawn area lies outside the city", pointer=DRAWN)


def is_position(value: object) -> bool:
    """Two finite numbers, or more; a number too large for a float is none."""
    if not isinstance(value, list | tuple) or len(value) < 2:  # noqa: PLR2004 - longitude, latitude
        return False
    return all(
        isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < FARTHEST for number in value
    )


def choose_areas(codes: Sequence[str], held: Mapping[str, ServiceArea], *, drill: bool) -> tuple[ServiceArea, ...]:
    """The service areas of these codes among those in force, each once.

    Raises:
        Invalid: too many, one that does not exist, or an illustrative one outside a drill (points at it).
    """
    if len(codes) > MAX_AREAS:
        raise Invalid(f"at most {MAX_AREAS} service areas", pointer="/area/areas")
    found: dict[str, ServiceArea] = {}
    for position, code in enumerate(codes):
        area = held.get(code)
        if area is None:
            raise Invalid(f"no service area {code[:60]!r} in force", pointer=f"/area/areas/{position}")
        if area.illustrative and not drill:
            raise Invalid(
                f"{area.code} is illustrative: its shape was drawn by hand and no utility stands behind it, so only a"
                " drill may aim at it",
                pointer=f"/area/areas/{position}",
            )
        found[area.code] = area
    return tuple(found.values())


def ward_shape(wards: Sequence[str], ward_geometry: Callable[[str], BaseGeometry]) -> BaseGeometry:
    """The union of these wards, of which there is at least one.

    Raises:
        Invalid: too many, or one that does not exist (points at it).
    """
    if len(wards) > MAX_WARDS:
        raise Invalid(f"at most {MAX_WARDS} wards", pointer="/area/wards")
    shapes = []
    for position, code in enumerate(wards):
        try:
            shapes.append(ward_geometry(code))
        except NotFound:
            raise Invalid(f"no ward {code[:60]!r} in force", pointer=f"/area/wards/{position}") from None
    return shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
