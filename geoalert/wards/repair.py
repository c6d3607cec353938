"""Repairs of a drawn shape that change no ground, and the refusal of those that would. Shapes are in degrees."""

from __future__ import annotations

from collections import Counter
from typing import Final, TypeAlias

import numpy as np
import shapely
from shapely.validation import explain_validity

from geoalert.errors import Invalid
from geoalert.wards.config import Bbox
from geoalert.wards.point import MAX_LAT, MAX_LON
from geoalert.wards.projection import area_km2

# Ground (m2) that a repair may add or drop: less than any line is known to.
NOTHING_M2: Final = 1.0
POLYGONS: Final = frozenset({"Polygon", "MultiPolygon"})
MANY: Final = 0.001  # a degree's worth of letting the box be exceeded

Shape: TypeAlias = shapely.Polygon | shapely.MultiPolygon


def require_place(shape: shapely.Geometry | None, where: str, bbox: Bbox) -> Shape:
    """The shape, if it is a polygon in degrees in the city.

    Raises:
        Invalid: naming `where` and what is wrong: empty, another type, not degrees, swapped, elsewhere.
    """
    if shape is None or shape.is_empty:
        raise Invalid(f"{where} has no geometry")
    if not isinstance(shape, Shape):
        raise Invalid(f"{where} is a {shape.geom_type} at {_at(shape)}; a layer of wards holds polygons only")
    # Bounds pass over NaN, and so would the repairs: a corner would be gone without a word.
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise Invalid(f"{where} has a position that is not a number; is its coordinate system the one it says?")
    west, south, east, north = shape.bounds
    if not (-MAX_LON <= west <= east <= MAX_LON) or max(abs(south), abs(north)) > MAX_LON:
        raise Invalid(f"{where} lies at {west:.0f} {south:.0f}: not degrees; its coordinate system is another")
    if east - west > MAX_LON:
        raise Invalid(f"{where} reaches from {west:.3f} to {east:.3f} degrees east: it crosses the antimeridian")
    if not _inside(shape, bbox):
        if _inside(shapely.transform(shape, lambda points: points[:, ::-1]), bbox):
            raise Invalid(f"{where} at {_at(shape)}: latitude and longitude are swapped")
        if max(abs(south), abs(north)) > MAX_LAT:
            raise Invalid(f"{where} lies at {west:.0f} {south:.0f}: not degrees")
        raise Invalid(f"{where} at {_at(shape)} lies outside the city's box; is its coordinate system the one it says?")
    return shape


def mend(shape: Shape, where: str, epsg: int, done: Counter[str]) -> Shape:
    """The shape in two dimensions, valid, without repeated vertices or slivers, its rings turned as RFC 7946 asks.
    What was repaired is counted in `done`.

    Raises:
        Invalid: it crosses itself so that more than one reading is possible; names the place.
    """
    if shape.has_z or shapely.has_m(shape):
        shape = shapely.force_2d(shape)
        done["third dimension dropped"] += 1
    tidy = shapely.remove_repeated_points(shape)
    done["repeated vertices removed"] += shapely.get_num_coordinates(shape) - shapely.get_num_coordinates(tidy)
    if not tidy.is_valid:
        made = shapely.make_valid(tidy)
        fault = explain_validity(tidy)
        changed = abs(area_km2(made, epsg) - area_km2(tidy, epsg)) * 1e6
        if changed > NOTHING_M2:
            raise Invalid(f"{where} cannot be repaired without moving ground ({changed:.0f} m2): {fault}")
        tidy = made
        done["crossings without ground undone"] += 1
    kept = [_whole(part, epsg) for part in shapely.get_parts(tidy) if _holds_ground(part, epsg)]
    if not kept:
        raise Invalid(f"{where} at {_at(shape)} holds no ground")
    sound: Shape = kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept)
    before = [shapely.get_num_interior_rings(part) for part in shapely.get_parts(tidy) if part.geom_type == "Polygon"]
    after = [shapely.get_num_interior_rings(part) for part in kept]
    done["slivers dropped"] += len(shapely.get_parts(tidy)) - len(kept) + max(0, sum(before) - sum(after))
    turned = sum(not part.exterior.is_ccw for part in kept)
    done["rings turned"] += turned
    made_right: Shape = shapely.orient_polygons(sound)
    return made_right


def _inside(shape: shapely.Geometry, bbox: Bbox) -> bool:
    west, south, east, north = shape.bounds
    return bbox.holds(west, south, MANY) and bbox.holds(east, north, MANY)


def _holds_ground(part: shapely.Geometry, epsg: int) -> bool:
    return part.geom_type == "Polygon" and area_km2(part, epsg) * 1e6 >= NOTHING_M2


def _whole(part: shapely.Polygon, epsg: int) -> shapely.Polygon:
    """Without the holes that are too small to be meant."""
    holes = [ring for ring in part.interiors if area_km2(shapely.Polygon(ring), epsg) * 1e6 >= NOTHING_M2]
    return shapely.Polygon(part.exterior, holes)


def _at(shape: shapely.Geometry) -> str:
    x, y = shapely.get_coordinates(shape)[0]
    return f"{x:.5f} {y:.5f}"
