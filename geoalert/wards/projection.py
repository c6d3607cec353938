"""Between degrees (EPSG:4326, lon, lat) and a city's own grid in metres."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Shapes = NDArray[np.object_]


def to_metres(shapes: Any, epsg: int) -> Any:  # noqa: ANN401 - shapely's own "geometry or array of them"
    """The same shape or array of shapes, from degrees to metres."""
    return shapely.transform(shapes, _move(4326, epsg))


def to_degrees(shapes: Any, epsg: int) -> Any:  # noqa: ANN401 - as above
    """The same shape or array of shapes, from metres to degrees."""
    return shapely.transform(shapes, _move(epsg, 4326))


def area_km2(shape: shapely.Geometry, epsg: int) -> float:
    """The area of a shape in degrees, measured in the city's grid."""
    return float(shapely.area(to_metres(shape, epsg)) / 1e6)


def _move(source: int, target: int) -> Move:
    transformer = Transformer.from_crs(source, target, always_xy=True)
    return lambda points: np.column_stack(transformer.transform(points[:, 0], points[:, 1]))
