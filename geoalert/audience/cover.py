"""Polygon to cell runs: which stretches of cells lie wholly inside, and which are touched by an edge.

Every place of the polygon lies in one of the runs. Places in an interior run need no test; only those in an edge run
are tested against the exact shape. Edges are rasterised row by row, wider by a few lattice units than they are, so
that rounding can only cost a test and never a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoalert.subscribers.cells import ROW, SCALE, SHIFT, X_ORIGIN, Y_ORIGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL = 1 << SHIFT
MARGIN = 4  # lattice units; float64 holds degrees to about 1e-7 of one


def cover(area: BaseGeometry) -> NDArray[np.int64]:
    """Runs of cells as rows (first cell, last cell, 1 where an edge touches else 0), disjoint and ascending.

    `area` is a valid (multi)polygon in EPSG:4326, lon, lat.
    """
    rows, first, last = _touched(area)
    order = np.lexsort((first, rows))
    rows, first, last = rows[order], first[order], last[order]
    # Merge the stretches of one row that meet: a stretch begins where it lies beyond all before it.
    reach = np.maximum.accumulate(rows << ROW | last)
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (rows[1:] << ROW | first[1:]) > reach[:-1] + 1
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(rows)) - 1
    edge_first = (rows << ROW | first)[starts]
    edge_last = reach[ends]
    inner_first, inner_last = _inner(area, edge_first, edge_last)
    runs = np.concatenate(
        [
            np.column_stack([edge_first, edge_last, np.ones_like(edge_first)]),
            np.column_stack([inner_first, inner_last, np.zeros_like(inner_first)]),
        ]
    )
    return runs[np.argsort(runs[:, 0])]


def _touched(area: BaseGeometry) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For every edge and row it passes: the row and the first and last column it touches there."""
    boundary = area.boundary
    corners, line = shapely.get_coordinates(shapely.get_parts(boundary), return_index=True)
    x = corners[:, 0] * SCALE + X_ORIGIN
    y = corners[:, 1] * SCALE + Y_ORIGIN
    same = line[1:] == line[:-1]
    x0, x1, y0, y1 = x[:-1][same], x[1:][same], y[:-1][same], y[1:][same]
    low = (np.minimum(y0, y1) - MARGIN).astype(np.int64) >> SHIFT
    high = (np.maximum(y0, y1) + MARGIN).astype(np.int64) >> SHIFT
    count = high - low + 1
    edge = np.repeat(np.arange(len(x0)), count)
    row = np.repeat(low, count) + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    x0, x1, y0, y1 = x0[edge], x1[edge], y0[edge], y1[edge]
    # Where the edge enters and leaves the row's band; a level edge spans its whole width.
    rise = y1 - y0
    level = np.abs(rise) <= MARGIN
    slope = (x1 - x0) / np.where(level, 1.0, rise)
    bottom = np.clip((row << SHIFT) - MARGIN, np.minimum(y0, y1), np.maximum(y0, y1))
    top = np.clip(((row + 1) << SHIFT) + MARGIN, np.minimum(y0, y1), np.maximum(y0, y1))
    at_bottom = np.where(level, x0, x0 + (bottom - y0) * slope)
    at_top = np.where(level, x1, x0 + (top - y0) * slope)
    first = (np.minimum(at_bottom, at_top) - MARGIN).astype(np.int64) >> SHIFT
    last = (np.maximum(at_bottom, at_top) + MARGIN).astype(np.int64) >> SHIFT
    return row, first, last


def _inner(
    area: BaseGeometry, edge_first: NDArray[np.int64], edge_last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The gaps between edge runs of one row that lie inside: no edge enters a gap, so one point decides for all."""
    gap_first, gap_last = edge_last[:-1] + 1, edge_first[1:] - 1
    same_row = (edge_last[:-1] >> ROW) == (edge_first[1:] >> ROW)
    gap_first, gap_last = gap_first[same_row], gap_last[same_row]
    column = gap_first & ((1 << ROW) - 1)
    row = gap_first >> ROW
    lon = (column * CELL + CELL // 2 - X_ORIGIN) / SCALE
    lat = (row * CELL + CELL // 2 - Y_ORIGIN) / SCALE
    shapely.prepare(area)
    inside = shapely.contains_xy(area, lon, lat)
    return gap_first[inside], gap_last[inside]
