"""The loops that turn an area's corners into runs of cells; `audience.cover` says in numpy, step by step, what they do.

As in `passes`, numbers from elsewhere are written out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert.compiled.listing import loop

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFT: Final = 12  # of a cell, and what follows from it
CELL: Final = 4096
ROW: Final = 20
WESTERN, EASTERN = np.int64(0), np.int64(0xFFFFF)  # columns, the last there are
SCALE: Final = 1e7
X_ORIGIN: Final = 1_800_000_000
Y_ORIGIN: Final = 900_000_000
MARGIN: Final = 4
X0, X1, LOW, HIGH, RUN_X, RISE, LEVEL = range(7)  # columns of an edge
BOTTOM, COUNT = range(2)  # of the rows it passes


@loop("float64[:,::1] int64[::1] > float64[:,::1] int64[:,::1]")
def raise_edges(
    corners: NDArray[np.float64], ring: NDArray[np.int64], edges: NDArray[np.float64], rows: NDArray[np.int64]
) -> int:
    """Every edge upwards, and the rows it passes; how many edges."""
    found = 0
    for at in range(len(corners) - 1):
        if ring[at] != ring[at + 1]:
            continue
        x0, y0 = corners[at, 0] * SCALE + X_ORIGIN, corners[at, 1] * SCALE + Y_ORIGIN
        x1, y1 = corners[at + 1, 0] * SCALE + X_ORIGIN, corners[at + 1, 1] * SCALE + Y_ORIGIN
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        run_x, rise = x1 - x0, y1 - y0
        edges[found, X0], edges[found, X1], edges[found, LOW], edges[found, HIGH] = x0, x1, y0, y1
        edges[found, RUN_X], edges[found, RISE], edges[found, LEVEL] = run_x, rise, run_x * y0 - rise * x0
        bottom = np.int64(y0 - MARGIN) >> SHIFT
        rows[found, BOTTOM], rows[found, COUNT] = bottom, (np.int64(y1 + MARGIN) >> SHIFT) - bottom + 1
        found += 1
    return found


@loop("float64[:,::1] int64[:,::1] > int64[::1] int64[::1] int64[::1]")
def touch_cells(
    edges: NDArray[np.float64],
    rows: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    which: NDArray[np.int64],
) -> int:
    """For every edge and row it passes the first and the last cell it touches there, and which edge."""
    touched = 0
    for edge in range(len(edges)):
        x0, low, rise = edges[edge, X0], edges[edge, LOW], edges[edge, RISE]
        level = rise <= MARGIN  # such a one spans its whole width
        slope = 0.0 if level else edges[edge, RUN_X] / rise
        for row in range(rows[edge, BOTTOM], rows[edge, BOTTOM] + rows[edge, COUNT]):
            below = np.float64(row << SHIFT) - low
            at_bottom = x0 + min(max(below - MARGIN, 0.0), rise) * slope
            at_top = edges[edge, X1] if level else x0 + min(max(below + (CELL + MARGIN), 0.0), rise) * slope
            if at_bottom > at_top:
                at_bottom, at_top = at_top, at_bottom
            west, east = np.int64(at_bottom - MARGIN) >> SHIFT, np.int64(at_top + MARGIN) >> SHIFT
            first[touched] = row << ROW | min(max(west, WESTERN), EASTERN)
            last[touched] = row << ROW | min(max(east, WESTERN), EASTERN)
            which[touched] = edge
            touched += 1
    return touched


@loop("int64[::1] int64[::1] > int64[::1] int64[::1]")
def order_by(
    keys: NDArray[np.int64], before: NDArray[np.int64], ends: NDArray[np.int64], order: NDArray[np.int64]
) -> int:
    """Positions by key, those of one key in the order they stand in `before`. Keys are small: `ends` has an entry for
    each of them and one more, all of them 0.
    """
    for at in range(len(keys)):
        ends[keys[at] + 1] += 1
    for key in range(1, len(ends)):
        ends[key] += ends[key - 1]
    for at in range(len(before)):
        key = keys[before[at]]
        order[ends[key]] = before[at]
        ends[key] += 1
    return len(keys)


@loop(
    "int64[::1] int64[::1] int64[::1] int64[::1] float64[:,::1]"
    " > int64[:,::1] int64[::1] int64[::1] boolean[::1] float64[:,::1] int64[::1]"
)
def join_stretches(  # noqa: PLR0917 - plain arrays are what compiles
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    which: NDArray[np.int64],
    edges: NDArray[np.float64],
    runs: NDArray[np.int64],
    start: NDArray[np.int64],
    count: NDArray[np.int64],
    west_inside: NDArray[np.bool_],
    lines: NDArray[np.float64],
    ends: NDArray[np.int64],
) -> int:
    """Stretches of one row that meet become one edge run, and what lies between two of them is a run where it is
    inside: in the order of their first cells. `lines` are the edges in that order, a column an entry; `ends` gets how
    many runs there are. How many edge runs.
    """
    found, joined, reach, inside = 0, 0, np.int64(-1), False
    for at in range(len(order)):
        entry = order[at]
        if at == 0 or first[entry] > reach + 1:
            if at > 0:
                runs[found - 1, 1] = reach
                count[joined - 1] = at - start[joined - 1]
                if inside and first[entry] >> ROW == reach >> ROW:
                    runs[found, 0], runs[found, 1], runs[found, 2] = reach + 1, first[entry] - 1, 0
                    found += 1
            runs[found, 0], runs[found, 2] = first[entry], 1
            start[joined], west_inside[joined] = at, inside
            found, joined = found + 1, joined + 1
            reach = last[entry]
        reach = max(reach, last[entry])
        edge = which[entry]
        middle = np.float64(((first[entry] >> ROW) << SHIFT) + CELL // 2)
        inside ^= (edges[edge, LOW] <= middle) & (middle < edges[edge, HIGH])
        for column in range(LOW, LEVEL + 1):
            lines[column - LOW, at] = edges[edge, column]
    if len(order) > 0:
        runs[found - 1, 1] = reach
        count[joined - 1] = len(order) - start[joined - 1]
    ends[0] = found
    return joined
