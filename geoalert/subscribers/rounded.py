"""The rounded cell: a square of the map, for a person who wants to be told without saying where they live.

A square is 65,536 lattice units on a side (`subscribers.cells`): 0.0065536 degree, in Pune 725 m of latitude and
692 m of longitude. Its code is `cell:ROW:COL`, both decimal and from 0: rows count northwards from 90 S, columns
eastwards from 180 W. A point on a common side belongs to the square north or east of it. The code is all that is kept:
every point of a square gives the same one. Codes are stored, and phones know them as topics: their meaning never
changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from geoalert.subscribers.cells import SCALE, X_ORIGIN, Y_ORIGIN, to_lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

PREFIX: Final = "cell:"
SIDE_BITS: Final = 16
SIDE: Final = (1 << SIDE_BITS) / SCALE  # degrees
CODE: Final = re.compile(r"cell:(0|[1-9]\d{0,4}):(0|[1-9]\d{0,4})")
ROWS: Final = (2 * Y_ORIGIN >> SIDE_BITS) + 1
COLUMNS: Final = (2 * X_ORIGIN >> SIDE_BITS) + 1


def rounded_code(lon: float, lat: float) -> str:
    """The code of the square that holds the point (degrees, EPSG:4326)."""
    row = (to_lattice(lat) + Y_ORIGIN) >> SIDE_BITS
    column = (to_lattice(lon) + X_ORIGIN) >> SIDE_BITS
    return f"{PREFIX}{row}:{column}"


def is_rounded(code: str) -> bool:
    """Whether this is the code of a square on the earth, of which `rounded_box` gives the ground."""
    return _place(code) is not None


def rounded_box(code: str) -> shapely.Polygon:
    """The square of a code, in degrees.

    Raises:
        ValueError: not the code of a square on the earth.
    """
    box: shapely.Polygon = rounded_boxes([code])[0]
    return box


def rounded_boxes(codes: Sequence[str]) -> NDArray[np.object_]:
    """The squares of many codes; corners are lattice points, so two neighbours have their side exactly in common.

    Raises:
        ValueError: not the code of a square on the earth.
    """
    places = np.array([_placed(code) for code in codes], dtype=np.int64).reshape(-1, 2)
    return _boxes(places[:, 0], places[:, 1])


def squares_over(west: float, south: float, east: float, north: float) -> tuple[list[str], NDArray[np.object_]]:
    """Code and square of all that touch a box of degrees, row by row."""
    first_x, last_x = ((to_lattice(lon) + X_ORIGIN) >> SIDE_BITS for lon in (west, east))
    first_y, last_y = ((to_lattice(lat) + Y_ORIGIN) >> SIDE_BITS for lat in (south, north))
    row, column = (axis.ravel() for axis in np.mgrid[first_y : last_y + 1, first_x : last_x + 1])
    codes = [f"{PREFIX}{y}:{x}" for y, x in zip(row.tolist(), column.tolist(), strict=True)]
    return codes, _boxes(row, column)


def _placed(code: str) -> tuple[int, int]:
    place = _place(code)
    if place is None:
        raise ValueError(f"{code[:40]!r} is not the code of a rounded cell")
    return place


@lru_cache(maxsize=1 << 16)
def _place(code: str) -> tuple[int, int] | None:
    found = CODE.fullmatch(code)
    if found is None or int(found[1]) >= ROWS or int(found[2]) >= COLUMNS:
        return None
    return int(found[1]), int(found[2])


def _boxes(row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.object_]:
    south, west = (row << SIDE_BITS) - Y_ORIGIN, (column << SIDE_BITS) - X_ORIGIN
    # The last row and column would reach beyond the pole and the date line.
    north, east = np.minimum(south + (1 << SIDE_BITS), Y_ORIGIN), np.minimum(west + (1 << SIDE_BITS), X_ORIGIN)
    boxes: NDArray[np.object_] = shapely.box(west / SCALE, south / SCALE, east / SCALE, north / SCALE)
    return boxes
