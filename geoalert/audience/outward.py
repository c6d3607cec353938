"""An area's outline within a budget of bytes, grown outwards: it covers all of the area, whatever the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geoalert.audience.outline_text import UNIT, Ring, to_text
from geoalert.audience.shedding import FEWEST, Shedding
from geoalert.errors import Invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST: Final = 64  # bytes: a box takes up to 25
PAD: Final = 0.85  # units: putting corners on whole units moves a line by up to 0.71
WIDER: Final = (1, 2, 4, 8)  # PADs: mending what came to cross itself moves a line farther
A_RING: Final = 18  # bytes the smallest may take
NEAR: Final = 0.95  # of what the budget allows, so that a second guess mostly fits
DETAIL: Final = 0.05  # units: corners nobody could tell apart


@dataclass(frozen=True, slots=True)
class Outline:
    """`text` as in `audience.outline_text`; `shape` is what it decodes to, in degrees, and covers the area."""

    text: str
    shape: Polygon | MultiPolygon


def outward(area: BaseGeometry, budget: int) -> Outline:
    """The outline of a valid (multi)polygon (EPSG:4326) in at most `budget` bytes. Holes are filled, and parts are
    joined where there are more than fit.

    Raises:
        Invalid: a budget too small for any outline.
    """
    if budget < LEAST:
        raise Invalid(f"an outline takes {LEAST} bytes at least", pointer="/budget")
    # A plane in which both axes measure the same on the ground; a straight line of degrees stays straight.
    lean = math.cos(math.radians((area.bounds[1] + area.bounds[3]) / 2))
    plane = shapely.transform(area, lambda at: at * (UNIT * lean, UNIT))
    for wider in WIDER:
        padded = _few_parts(_filled(shapely.buffer(plane, PAD * wider, quad_segs=2)), budget)
        found = _fitting(shapely.simplify(padded, DETAIL), budget, lean)
        if found is not None and found.shape.covers(area):
            return found
    west, south, east, north = area.bounds
    box = _on_units(shapely.box(*(math.floor(west * UNIT), math.floor(south * UNIT)), *_ceil(east, north)))
    return _outline(box)


def _ceil(east: float, north: float) -> tuple[int, int]:
    return math.ceil(east * UNIT), math.ceil(north * UNIT)


def _fitting(shape: BaseGeometry, budget: int, lean: float) -> Outline | None:
    rings = [shapely.get_coordinates(shapely.orient_polygons(part).exterior)[:-1] for part in shapely.get_parts(shape)]
    shedding = Shedding(rings)
    corners = min(shedding.corners, budget // 2)
    fewest = FEWEST * len(rings)
    while True:
        shedding.shed(corners)
        found = _outline(_closed(shedding.rings(), lean))
        if len(found.text) <= budget:
            return found
        if shedding.corners <= fewest or shedding.corners > corners:
            return None
        corners = max(fewest, min(corners - 1, int(shedding.corners * budget / len(found.text) * NEAR)))


def _closed(rings: list[NDArray[np.float64]], lean: float) -> BaseGeometry:
    """What the rings enclose, corners on whole units."""
    drawn = []
    for ring in rings:
        whole = np.round(ring / (lean, 1.0))
        polygon = shapely.Polygon(whole)
        if not polygon.is_valid:
            # It crosses itself: every face that its line encloses, so that nothing inside is lost.
            line = shapely.union_all([shapely.LineString(np.vstack([whole, whole[:1]]))], grid_size=1.0)
            polygon = shapely.union_all(shapely.get_parts(shapely.polygonize(shapely.get_parts(line))), grid_size=1.0)
        drawn.append(polygon)
    return _on_units(drawn[0] if len(drawn) == 1 else shapely.union_all(drawn, grid_size=1.0))


def _on_units(shape: BaseGeometry) -> BaseGeometry:
    return _filled(shapely.remove_repeated_points(shapely.transform(shapely.set_precision(shape, 0), np.round)))


def _outline(units: BaseGeometry) -> Outline:
    rings: list[Ring] = [
        [(int(x), int(y)) for x, y in shapely.get_coordinates(part.exterior)[:-1].tolist()]
        for part in shapely.get_parts(units)
    ]
    return Outline(to_text(rings), shapely.transform(units, lambda at: at / UNIT))


def _filled(shape: BaseGeometry) -> BaseGeometry:
    """Without holes, and without parts that lay in one."""
    parts = shapely.get_parts(shape)
    outsides = [
        shapely.Polygon(part.exterior) for part in parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    ]
    return outsides[0] if len(outsides) == 1 else shapely.union_all(outsides)


def _few_parts(shape: BaseGeometry, budget: int) -> BaseGeometry:
    """Near parts joined, until each can have its corners."""
    reach = 16 * PAD
    while shapely.get_num_geometries(shape) * A_RING > budget:
        joined = shapely.buffer(shapely.buffer(shape, reach, quad_segs=2), -reach, quad_segs=2)
        shape = _filled(shapely.union_all([shape, joined]))
        reach *= 2
    return shape
