"""The tree's lines for small screens and slow networks: fewer vertices, and neighbours still meet.

Units are simplified together, as one coverage, and offices and zones are put together from them: so at every step
nothing overlaps or gapes, and the three tiers share their edges vertex for vertex.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from typing import Final, TypeAlias

import numpy as np
from shapely.geometry import MultiPolygon, Polygon

from geoalert.wards.model import Ward, WardTree
from geoalert.wards.projection import to_metres
from geoalert.wards.topology import dissolve, simplify

# Metres: the root of the area by which dropping a vertex may move a line. Few steps, so that few answers are kept.
STEPS: Final = (0, 5, 10, 20, 50, 100, 200, 500)
DECIMALS: Final = 6
Shape: TypeAlias = Polygon | MultiPolygon


def step_for(tolerance: float) -> int:
    """The coarsest step that is not coarser than the tolerance."""
    return STEPS[max(0, bisect_right(STEPS, tolerance) - 1)]


class Lines:
    """Simplified lines of one tree; each period and step is worked out once."""

    def __init__(self, tree: WardTree, epsg: int) -> None:
        self._tree = tree
        self._epsg = epsg
        self._kept: dict[tuple[date | None, int], Mapping[str, Shape]] = {}

    def at(self, on: date, tolerance: float) -> Mapping[str, Shape]:
        """The shape of every ward in force that day, by code; its own at a tolerance of 0."""
        key = self.since(on), step_for(tolerance)
        if key not in self._kept:
            held = self._tree.in_force(on)
            shapes = {ward.code: ward.geometry for ward in held}
            self._kept[key] = self._coarser(held, key[1]) if key[1] and held else shapes
        return self._kept[key]

    def since(self, on: date) -> date | None:
        """The day the period of that day began; None before the first."""
        begins = self._tree.begins
        return begins[bisect_right(begins, on) - 1] if begins and begins[0] <= on else None

    def _coarser(self, held: tuple[Ward, ...], step: int) -> Mapping[str, Shape]:
        units = [ward for ward in held if ward.level == "unit"]
        shapes = to_metres(np.array([unit.geometry for unit in units], dtype=object), self._epsg)
        coarse = simplify(shapes, step, epsg=self._epsg, decimals=DECIMALS)
        found: dict[str, Shape] = dict(zip((unit.code for unit in units), coarse, strict=True))
        for level, below in (("office", "unit"), ("zone", "office")):
            for ward in held:
                parts = [found[child.code] for child in held if child.level == below and child.parent == ward.code]
                if ward.level == level and parts:
                    found[ward.code] = dissolve(np.array(parts, dtype=object))
        return found
