"""Widening an area on the ground, for whoever lives at a ward's line: lines are known to some tens of metres only."""

from __future__ import annotations

import math
from typing import Final

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geoalert.wards.projection import to_degrees, to_metres

LATTICE: Final = 1e-7  # degree: places and areas are stored on it
PLACES: Final = 7  # its decimals
ARC: Final = 8  # segments a quarter circle
# GEOS draws an arc inside the circle, and straightens what it widens by up to a hundredth of the distance to either
# side: drawn this much larger, all of it lies outside.
OUTSIDE: Final = 1.01 / math.cos(math.pi / (4 * ARC))
# A straight line of degrees is a curve in the grid, 0.7 m off its ends' line over 4 km: by pieces, of 100 m or so.
PIECE_DEGREES: Final = 0.001
PIECE_M: Final = 100.0
ROUNDING_M: Final = 0.05  # more than putting corners on the lattice can move a line


def widened(area: BaseGeometry, metres: float, epsg: int) -> Polygon | MultiPolygon:
    """The area with all ground within `metres` of it, measured in the city's grid, and none more than 0.1 m + 2.6 %
    beyond that (1 % for either way GEOS may straighten, 0.5 % for its arcs). lon, lat, EPSG:4326 in and out; corners
    lie on the lattice of 1e-7 degree. Valid if the area is.
    """
    ground = to_metres(shapely.segmentize(area, PIECE_DEGREES), epsg)
    wide = shapely.segmentize(shapely.buffer(ground, metres * OUTSIDE + ROUNDING_M, quad_segs=ARC), PIECE_M)
    # Snapped as a whole: rounding corner by corner can make a ring touch itself. Then to the very numbers places have.
    snapped = shapely.set_precision(shapely.set_precision(to_degrees(wide, epsg), LATTICE), 0)
    rounded: Polygon | MultiPolygon = shapely.transform(snapped, lambda corners: corners.round(PLACES))
    return rounded
