"""Points over Pune that find every weakness of a look-up: anywhere, on corners, on edges and a hair beside them."""

from __future__ import annotations

from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray

from geoalert.wards import City

Floats = NDArray[np.float64]


def scatter(city: City, on: date, count: int, seed: int = 20_210_630) -> Floats:
    """`count` points (lon, lat), the same in every run: half anywhere, a sixth each corners, points on edges to the
    last bit a float can hold, and points within a millimetre of an edge.
    """
    random = np.random.default_rng(seed)
    box = city.config.bbox
    sixth = count // 6
    anywhere = random.uniform((box.west, box.south), (box.east, box.north), (count - 3 * sixth, 2))
    starts, ends = _edges(city, on)
    corners = starts[random.integers(0, len(starts), sixth)]
    return np.concatenate(
        [
            anywhere,
            corners,
            _along(starts, ends, random, sixth),
            _along(starts, ends, random, sixth) + random.uniform(-1e-8, 1e-8, (sixth, 2)),
        ]
    )


def _edges(city: City, on: date) -> tuple[Floats, Floats]:
    rings = shapely.get_rings(np.array([unit.geometry for unit in city.tree.units(on)], dtype=object))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return points[:-1][joined], points[1:][joined]


def _along(starts: Floats, ends: Floats, random: np.random.Generator, count: int) -> Floats:
    which = random.integers(0, len(starts), count)
    share = random.choice([0.5, 0.25, *random.random(8)], count)[:, None]
    along: Floats = starts[which] + share * (ends[which] - starts[which])
    return along
