"""The cell beside every point: one integer by which audiences are found without an index of shapes.

x and y are lon and lat in units of 1e-7 degree (1.1 cm). A cell is 4096 units on a side (in Pune 45.3 m from south to
north, 43.3 m from west to east); rows run west to east, so a stretch of one row is one range of integers. Worldwide, no
city origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE = 10_000_000
SHIFT = 12
ROW = 20  # bits of the column within a row
X_ORIGIN = 180 * SCALE
Y_ORIGIN = 90 * SCALE


def to_lattice(degrees: float) -> int:
    """Degrees to lattice units, rounded to the nearest."""
    return round(degrees * SCALE)


def cell_of(x: int, y: int) -> int:
    """The cell of a lattice point."""
    return ((y + Y_ORIGIN) >> SHIFT) << ROW | ((x + X_ORIGIN) >> SHIFT)


def cells_of(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """`cell_of` over int64 arrays of equal shape."""
    return ((y + Y_ORIGIN) >> SHIFT) << ROW | ((x + X_ORIGIN) >> SHIFT)
