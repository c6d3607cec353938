"""From polygons that nearly meet to a coverage: neighbours share every vertex, nothing overlaps.

Shapes are one array in a fixed order; the order decides nothing but the bytes, so callers sort it.
"""

from __future__ import annotations

import numpy as np
import shapely

from geoalert.errors import Invalid
from geoalert.wards.projection import Shapes, to_degrees, to_metres


def clean(shapes: Shapes, gap_width: float) -> Shapes:
    """A coverage of the same shapes, in metres: overlaps and gaps narrower than `gap_width` go to the neighbour
    with the longest common border, enclosed or open to the outside; wider gaps stay. Raises Invalid if no coverage
    can be made of them.
    """
    closed = list(_fill(shapes, gap_width)) if gap_width else list(shapes)
    made: Shapes = np.asarray(shapely.coverage_clean(closed, gap_width=gap_width), dtype=object)
    if not shapely.coverage_is_valid(list(made)):
        raise Invalid("the source's polygons overlap or gape too much to be made into one coverage")
    return made


def simplify(shapes: Shapes, tolerance: float, *, epsg: int, decimals: int) -> Shapes:
    """The coverage with fewer vertices, in degrees with that many decimals, and still a valid coverage.

    `shapes` and `tolerance` (the root of the area a dropped vertex may move) are in metres. Exteriors run
    counter-clockwise as RFC 7946 asks; each ring starts at its lowest point, so equal input gives equal bytes.
    Raises Invalid if rounding breaks the coverage.
    """
    degrees = to_degrees(np.asarray(shapely.coverage_simplify(list(shapes), tolerance), dtype=object), epsg)
    rounded = shapely.transform(degrees, lambda points: np.round(points, decimals))
    try:
        tidy: Shapes = canonical(shapely.remove_repeated_points(rounded))
    except shapely.errors.GEOSException as gone:  # a ring of one point
        raise Invalid(f"rounding to {decimals} decimals leaves nothing of a ring; keep more decimals") from gone
    if not (shapely.is_valid(tidy).all() and shapely.coverage_is_valid(list(tidy))):
        raise Invalid(f"rounding to {decimals} decimals breaks the shared edges; keep more decimals")
    return tidy


def dissolve(shapes: Shapes) -> shapely.Polygon | shapely.MultiPolygon:
    """One shape of several of a coverage; its outline keeps every vertex of theirs, so tiers share edges exactly."""
    merged = shapely.coverage_union_all(list(shapes))
    parts = shapely.get_parts(merged)
    return canonical(np.array([parts[0] if len(parts) == 1 else merged], dtype=object))[0]


def canonical(shapes: Shapes) -> Shapes:
    """The same shapes with a fixed ring start, ring order and direction."""
    made: Shapes = shapely.orient_polygons(shapely.normalize(shapes))
    return made


def drift(before: Shapes, after: Shapes, epsg: int) -> tuple[float, float]:
    """The worst change of area (per cent) and the worst Hausdorff distance of outlines (metres).

    `before` is in metres, `after` in degrees, in the same order.
    """
    back = to_metres(after, epsg)
    change = np.abs(shapely.area(back) / shapely.area(before) - 1) * 100
    # Densified, because between vertices two outlines can be further apart than at any of them.
    apart = shapely.hausdorff_distance(shapely.boundary(before), shapely.boundary(back), densify=0.02)
    return float(change.max()), float(np.max(apart))


def holes(shapes: Shapes) -> Shapes:
    """Every patch of ground enclosed by the shapes and covered by none."""
    merged = shapely.get_parts(shapely.union_all(shapes))
    rings = [ring for part in merged for ring in part.interiors]
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=object)


def slits(shapes: Shapes, width: float) -> list[shapely.Polygon]:
    """Every patch of ground narrower than `width` (metres, as the shapes are) that reaches in from the outline and
    touches two shapes: what is filled when the outline is widened and drawn in again.

    Done at finer widths too, for a plain corner fills by less than the width's square and a hairline is seen by that.
    """
    parts = shapely.get_parts(shapely.union_all(shapes))
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in parts])
    tree = shapely.STRtree(shapes)
    found: list[shapely.Polygon] = []
    for step in (width, width / 4, width / 16):
        closed = filled.buffer(step / 2).buffer(-step / 2)
        patches = shapely.get_parts(closed.difference(filled))
        patches = patches[shapely.area(patches) > step * step]
        touched = np.bincount(tree.query(patches, predicate="intersects")[0], minlength=len(patches))
        wider = shapely.union_all(found)
        found += [patch for patch in patches[touched > 1] if not patch.intersects(wider)]
    return found


def _fill(shapes: Shapes, width: float) -> Shapes:
    """Slits go to the shape with the longest border along them; enclosed gaps are left to `coverage_clean`."""
    filled = shapes.copy()
    for slit in slits(shapes, width):
        along = shapely.area(shapely.intersection(filled, slit.buffer(width / 100)))
        filled[along.argmax()] = filled[along.argmax()].union(slit)
    return filled
