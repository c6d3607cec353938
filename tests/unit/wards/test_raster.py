"""The raster must answer exactly as shapely, whatever the shapes and the size of its cells."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, Polygon, box

from geoalert.wards.raster import FIRST_COMBO, OUTSIDE, rasterise

coordinate = st.integers(0, 1000).map(lambda whole: whole / 1000)


def _answers(shapes: list[Polygon], cell: float, xs: np.ndarray, ys: np.ndarray) -> None:
    grid = rasterise(shapes, cell)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        holders = [number for number, shape in enumerate(shapes) if shapely.intersects_xy(shape, x, y)]
        column, row = np.floor((x - grid.west) * grid.per_degree), np.floor((y - grid.south) * grid.per_degree)
        if not (0 <= column < grid.columns and 0 <= row < grid.rows):
            assert holders == []
            continue
        value = int(grid.cells[int(row) * grid.columns + int(column)])
        if value > FIRST_COMBO:
            # A cell without an edge answers alone, so it must be right.
            assert holders == ([] if value == OUTSIDE else [value])
        else:
            assert set(holders) <= set(grid.combos[FIRST_COMBO - value])


@given(
    seeds=st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=12, unique=True),
    cell=st.sampled_from([0.3, 0.1, 0.0625, 0.017]),
    spots=st.lists(st.tuples(coordinate, coordinate), max_size=40),
)
@settings(deadline=None)
def test_any_coverage_and_any_cell(
    seeds: list[tuple[float, float]], cell: float, spots: list[tuple[float, float]]
) -> None:
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(seeds), extend_to=box(0, 0, 1, 1)))
    shapes = [shape for shape in shapely.intersection(cells, box(0, 0, 1, 1)) if shape.geom_type == "Polygon"]
    corners = np.concatenate([shapely.get_coordinates(shape) for shape in shapes])
    middles = (corners[1:] + corners[:-1]) / 2
    # Corners of the raster's own cells, where rounding could send a point to the wrong side.
    lattice = np.arange(0, 1, cell)
    own = np.column_stack([np.repeat(lattice, len(lattice)), np.tile(lattice, len(lattice))])[:200]
    points = np.concatenate([corners, middles, own, np.array(spots).reshape(-1, 2)])
    _answers(shapes, cell, points[:, 0], points[:, 1])


@pytest.mark.parametrize("cell", [0.5, 0.11, 0.03])
def test_holes_and_edges_along_the_cells_themselves(cell: float) -> None:
    ring = box(0, 0, 1, 1).difference(box(0.25, 0.25, 0.5, 0.5))
    shapes = [ring, box(1, 0, 2, 1)]
    steps = np.linspace(-0.1, 2.1, 45)
    xs, ys = np.meshgrid(steps, steps)
    _answers(shapes, cell, xs.ravel(), ys.ravel())
