"""A circle on the ground, as the polygon that is stored, drawn and tested: GeoJSON has no circle, CAP 1.2 has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyproj import Geod
from shapely.geometry import Polygon

CORNERS: Final = 128
LARGEST_M: Final = 50_000.0
PLACES: Final = 7  # decimals: 1.1 cm, the lattice places are stored on
ROUNDING_M: Final = 0.1  # more than putting corners on the lattice, and straight lines of degrees, can move an edge
WGS84: Final = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Circle:
    """All ground within `radius_m` metres of (lon, lat), EPSG:4326."""

    lon: float
    lat: float
    radius_m: float

    def polygon(self) -> Polygon:
        """Around the whole circle, and nowhere more than 0.04 % of the radius + 0.3 m beyond it. Corners lie on the
        lattice of 1e-7 degree.
        """
        # Each side touches the circle at its middle: the corners stand as much further out.
        reach = self.radius_m / math.cos(math.pi / CORNERS) + ROUNDING_M
        turn = np.linspace(0.0, 360.0, CORNERS, endpoint=False)[::-1]  # RFC 7946: an outer ring goes against the clock
        lon, lat, _ = WGS84.fwd(
            np.full(CORNERS, self.lon), np.full(CORNERS, self.lat), turn, np.full(CORNERS, reach), inplace=False
        )
        return Polygon(np.column_stack([lon, lat]).round(PLACES))
