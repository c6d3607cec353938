"""What a credential sees of a preview that may draft but does not answer for sending: enough to plan, too little to
find a home by.

1. A drawn area smaller than `FLOOR_KM2` is refused, each of its polygons on its own.
2. Wards are counted along their own lines, and so is one service area alone: those lines are published and nobody
   chooses them. Whatever else is asked for (a drawn shape, with or without wards; several service areas; service areas
   with wards) is first widened to whole squares of a fixed map, 0.0065536 degree on a side (0.5 km² in Pune): the
   squares of rounded cells. However such areas are varied, two previews differ by whole squares or not at all, so a
   hole, a notch or a shifted corner singles out nobody. Squares are not cut by office lines either: each counts for the
   office that holds its middle.
3. Every figure, also of every breakdown, is rounded to the nearest 10 before anything is reckoned from it; 1 to 4
   people show as 0, and rows of 0 are left out.

What remains: comparing many previews around a rounding step can tell the exact count of one square, of a ward or of a
service area, and that of the ground between a ward and a service area that almost equals it. The audit shows who asked
for what (`operations.preview_journal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geoalert.alerts.area import DRAWN
from geoalert.errors import Invalid
from geoalert.subscribers.rounded import squares_over
from geoalert.wards.config import Bbox
from geoalert.wards.projection import area_km2

FLOOR_KM2: Final = 0.25
STEP: Final = 10
MARGIN: Final = 0.05  # degrees beyond the city's box, outside which squares are not counted


@dataclass(frozen=True, slots=True)
class Squares:
    """Whole squares and what they cover together."""

    squares: Sequence[BaseGeometry]
    area: BaseGeometry


def refuse_small(drawn: BaseGeometry, epsg: int) -> None:
    """Raises Invalid, at the drawn shape, unless each of its polygons covers the floor; in the city's own metres."""
    if min(area_km2(part, epsg) for part in shapely.get_parts(drawn)) < FLOOR_KM2:
        raise Invalid(
            f"with this credential a drawn area must cover at least {FLOOR_KM2} km², each of its polygons; an officer"
            " who may approve can preview a smaller one",
            pointer=DRAWN,
        )


def widened(area: BaseGeometry, box: Bbox) -> Squares:
    """All squares near the city that the area meets, were it in a common side or corner alone.

    Raises:
        Invalid: there is none.
    """
    near = (box.west - MARGIN, box.south - MARGIN, box.east + MARGIN, box.north + MARGIN)
    bounds = shapely.bounds(area)
    west, south = np.maximum(bounds[:2], near[:2]).tolist()
    east, north = np.minimum(bounds[2:], near[2:]).tolist()
    _, squares = squares_over(west, south, east, north)
    squares = squares[shapely.intersects(_prepared(area), squares)]
    if not len(squares):
        raise Invalid("the drawn area lies outside the city", pointer=DRAWN)
    return Squares(squares.tolist(), shapely.coverage_union_all(squares))


def _prepared(area: BaseGeometry) -> BaseGeometry:
    """A copy that is quick to ask: preparing changes a shape in place, and this one may be a ward's own."""
    copy: BaseGeometry = shapely.transform(area, np.copy)
    shapely.prepare(copy)
    return copy


def rounded(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """To the nearest step, halves upwards."""
    return (counts + STEP // 2) // STEP * STEP
