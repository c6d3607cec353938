"""Metres from a point to the nearest office that is not its own.

Edges are sought in a flat frame (degrees scaled to metres at the middle of the city) and the distance is then taken
in a frame at the point's own latitude, on the WGS 84 ellipsoid. From further than that serves, the nearest of marks
set along the edges is sought on the globe, and the distance is the geodesic. It is right to 0.1 % (5 cm at 50 m).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from geoalert.wards.raster import segments

RADIUS: Final = 6_378_137.0
ECCENTRICITY_2: Final = 0.006_694_379_990_14
NOBODY: Final = -1
FLAT_M: Final = 50_000.0
MARK_DEGREES: Final = 0.02  # 2 km: from 50 km away, half of it is 10 m
WGS84: Final = Geod(ellps="WGS84")


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Along the parallel and along the meridian, at that latitude in degrees."""
    angle = math.radians(lat)
    curve = 1 - ECCENTRICITY_2 * math.sin(angle) ** 2
    across = RADIUS / math.sqrt(curve)
    along = across * (1 - ECCENTRICITY_2) / curve
    return math.radians(across * math.cos(angle)), math.radians(along)


class OfficeEdges:
    """The edges of the offices in force; `offices` are their limits in degrees, and positions are those in it."""

    def __init__(self, offices: Sequence[shapely.Polygon | shapely.MultiPolygon]) -> None:
        starts, ends, owners = segments(offices)
        # An edge two offices share is drawn once by each, in opposite directions; keep one with both owners.
        turned = (starts[:, 0] > ends[:, 0]) | ((starts[:, 0] == ends[:, 0]) & (starts[:, 1] > ends[:, 1]))
        lines = np.where(turned[:, None], np.hstack([ends, starts]), np.hstack([starts, ends]))
        lines, which = np.unique(lines, axis=0, return_inverse=True)
        which = which.ravel()
        self._owners = np.full((len(lines), 2), NOBODY, dtype=np.int64)
        self._owners[which, 0] = owners  # the last writer of each edge
        other = self._owners[which, 0] != owners
        self._owners[which[other], 1] = owners[other]

        self._scale = metres_per_degree(float(lines[:, (1, 3)].mean()))
        self._ends: list[tuple[float, float, float, float]] = [(a, b, c, d) for a, b, c, d in lines.tolist()]
        self._pairs: list[tuple[int, int]] = [(a, b) for a, b in self._owners.tolist()]
        self._lines: NDArray[np.object_] = shapely.linestrings(lines.reshape(-1, 2, 2) * self._scale)
        self._trees: dict[int, tuple[shapely.STRtree, list[int]] | None] = {}
        self._marks: dict[int, tuple[NDArray[np.float64], NDArray[np.float64], list[int]]] = {}

    def nearest(self, lon: float, lat: float, own: int = NOBODY) -> tuple[float, int] | None:
        """Metres to the nearest office other than `own`, and its position; None if there is no other."""
        held = self._trees[own] if own in self._trees else self._grow(own)
        if held is None:
            return None
        tree, numbers = held
        edge = numbers[tree.nearest(shapely.Point(lon * self._scale[0], lat * self._scale[1]))]
        metres = self._metres(lon, lat, edge)
        if metres > FLAT_M:
            metres, edge = self._from_afar(lon, lat, own, numbers)
        one, two = self._pairs[edge]
        return metres, two if one in {own, NOBODY} else one

    def _grow(self, own: int) -> tuple[shapely.STRtree, list[int]] | None:
        """The edges that belong to someone other than `own`; kept, as a city has few offices."""
        foreign = (self._owners != own) & (self._owners != NOBODY)
        numbers = np.nonzero(foreign.any(axis=1))[0]
        held = (shapely.STRtree(self._lines[numbers]), numbers.tolist()) if len(numbers) else None
        self._trees[own] = held
        return held

    def _from_afar(self, lon: float, lat: float, own: int, numbers: list[int]) -> tuple[float, int]:
        """The geodesic to the nearest mark, and its edge."""
        if own not in self._marks:
            ends = np.array([self._ends[number] for number in numbers]).reshape(-1, 2, 2)
            marks, of_edge = shapely.get_coordinates(
                shapely.segmentize(shapely.linestrings(ends), MARK_DEGREES), return_index=True
            )
            self._marks[own] = marks, _upright(marks), [numbers[number] for number in of_edge.tolist()]
        marks, upright, edges = self._marks[own]
        nearest = int(np.argmax(upright @ _upright(np.array([[lon, lat]]))[0]))
        return float(WGS84.inv(lon, lat, *marks[nearest])[2]), edges[nearest]

    def _metres(self, lon: float, lat: float, edge: int) -> float:
        across, along = metres_per_degree(lat)
        x1, y1, x2, y2 = self._ends[edge]
        x1, x2 = (x1 - lon) * across, (x2 - lon) * across
        y1, y2 = (y1 - lat) * along, (y2 - lat) * along
        dx, dy = x2 - x1, y2 - y1
        length = dx * dx + dy * dy
        share = 0.0 if length == 0 else min(1.0, max(0.0, -(x1 * dx + y1 * dy) / length))
        return math.hypot(x1 + share * dx, y1 + share * dy)


def _upright(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each point (lon, lat) is on a globe of radius 1: the nearer two are, the larger their product."""
    lon, lat = np.radians(points).T
    return np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
