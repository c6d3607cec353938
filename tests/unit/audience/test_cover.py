"""Cells against plain shapely: for any area and any place they agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoalert import compiled
from geoalert.audience.cover import Cover, cover
from geoalert.subscribers.cells import SCALE, SHIFT, cell_of, cells_of
from tests.extent import examples

pytestmark = pytest.mark.usefixtures("form")
LINE = ("low", "high", "run_x", "rise", "level")
CELL = (1 << SHIFT) / SCALE  # degrees


def inside_by_cells(area: BaseGeometry, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What the store's path does, in memory."""
    runs = cover(area)
    assert (runs[1:, 0] > runs[:-1, 1]).all(), "runs overlap: a place would be found twice"
    cells = cells_of(x, y)
    run = np.searchsorted(runs[:, 0], cells, side="right") - 1
    found = (run >= 0) & (cells <= runs[np.maximum(run, 0), 1])
    edge = found & (runs[np.maximum(run, 0), 2] == 1)
    inside = found & ~edge
    inside[edge] = shapely.intersects_xy(area, x[edge] / SCALE, y[edge] / SCALE)
    return np.asarray(inside)


@st.composite
def areas(draw: st.DrawFn) -> BaseGeometry:
    """Stars with holes and far parts, from a metre to tens of kilometres, corners on the lattice."""
    lon, lat = draw(st.floats(73.6, 74.1)), draw(st.floats(18.3, 18.7))
    size = 10 ** draw(st.floats(-5, -0.6))
    count = draw(st.integers(3, 30))
    angles = np.sort(draw(st.lists(st.floats(0, 6.28), min_size=count, max_size=count, unique=True)))
    reach = np.array(draw(st.lists(st.floats(0.1, 1), min_size=count, max_size=count))) * size
    ring = np.column_stack([lon + reach * np.cos(angles), lat + reach * np.sin(angles)]).round(7)
    area = shapely.make_valid(shapely.Polygon(ring))
    if draw(st.booleans()):
        area = area.difference(shapely.box(lon - size / 5, lat - size / 5, lon + size / 5, lat + size / 5))
    if draw(st.booleans()):
        area = area.union(shapely.box(lon + 2 * size, lat, lon + 2 * size + 3e-7, lat + size))
    parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon" and part.area > 0]
    return shapely.set_precision(shapely.MultiPolygon(parts), 1e-7) if parts else shapely.box(lon, lat, lon + size, lat)


@given(area=areas(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=examples(150), deadline=None)
def test_cells_and_shapely_agree_on_every_place(area: BaseGeometry, seed: int) -> None:
    if area.is_empty or area.area == 0 or not area.is_valid:
        return
    west, south, east, north = area.bounds
    wide, high = (east - west) or 1e-6, (north - south) or 1e-6
    chance = np.random.default_rng(seed)
    lon = chance.uniform(west - wide / 4, east + wide / 4, 1_500)
    lat = chance.uniform(south - high / 4, north + high / 4, 1_500)
    corners = shapely.get_coordinates(area)
    middles = (corners[1:] + corners[:-1]) / 2
    x = np.concatenate([lon, corners[:, 0], middles[:, 0]])
    y = np.concatenate([lat, corners[:, 1], middles[:, 1]])
    lattice_x, lattice_y = (x * SCALE).round().astype(np.int64), (y * SCALE).round().astype(np.int64)
    expected = shapely.intersects_xy(area, lattice_x / SCALE, lattice_y / SCALE)
    assert (inside_by_cells(area, lattice_x, lattice_y) == expected).all()


@pytest.fixture
def as_it_was() -> Iterator[None]:
    was_on = compiled.loops() is not None
    yield
    compiled.switch(on=was_on)


FAR: Final = [  # over the city and beyond the world, as a slip of the finger draws them
    shapely.box(-181, 18.52, 73.85, 18.58),
    shapely.box(73.85, 18.52, 300, 18.58),
    shapely.union_all([shapely.box(-180.5, 18.5, 73.79, 18.501), shapely.box(73.79, 18.4, 73.9, 18.6)]),
    shapely.box(-400, 18.52, 400, 18.58),
    shapely.box(73.82, 18.5, 73.9, 91),
]
LARGE: Final = [shapely.Point(73.9, 18.5).buffer(0.15), shapely.MultiPoint([(73.85, 18.5), (170, -40)]).buffer(0.1)]


@pytest.mark.usefixtures("as_it_was")
@given(area=areas())
@example(area=shapely.Polygon())
@example(area=shapely.box(73.8, 18.5, 73.9, 18.6).difference(shapely.box(73.82, 18.52, 73.84, 18.54)))
@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_forms_cover_alike(area: BaseGeometry) -> None:
    assert_alike(area)


def assert_alike(area: BaseGeometry) -> None:
    assert compiled.prepare()
    forms = []
    for on in (False, True):
        compiled.switch(on=on)
        forms.append(Cover.of(area))
    one, other = forms
    for name in ("runs", "edge_count", "edge_start", "west_inside"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    # The same edges pass through each run, in whatever order.
    run = np.repeat(np.arange(len(one.edge_count)), one.edge_count)
    columns = [np.array([run, *(getattr(each.edges, name) for name in LINE)]) for each in forms]
    in_order = [each[:, np.lexsort(each)] for each in columns]
    assert np.array_equal(in_order[0], in_order[1])


@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize("area", [*FAR, *LARGE])
def test_an_area_that_is_large_or_reaches_beyond_the_world_holds_who_it_holds(area: BaseGeometry) -> None:
    assert_alike(area)
    chance = np.random.default_rng(4)
    x, y = chance.integers(737_000_000, 740_000_000, 3_000), chance.integers(183_000_000, 187_000_000, 3_000)
    expected = shapely.intersects_xy(area, x / SCALE, y / SCALE)
    assert 0 < expected.sum() < len(x)
    assert (inside_by_cells(area, x, y) == expected).all()


@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize("far", [1e12, 1e300, float("inf"), 1_001])
def test_corners_that_are_nowhere_are_refused_in_both_forms(far: float) -> None:
    assert compiled.prepare()
    area = shapely.Polygon([(73.8, 18.5), (73.81, far), (73.9, 18.5), (73.85, -far)])
    for on in (False, True):
        compiled.switch(on=on)
        with pytest.raises(ValueError, match="corner"):
            Cover.of(area)


@pytest.mark.requirement("S002-14")
def test_a_place_exactly_on_the_line_is_told() -> None:
    area = shapely.box(73.80, 18.50, 73.82, 18.52)
    x = np.array([73.80, 73.81, 73.82], dtype=float) * SCALE
    y = np.array([18.50, 18.52, 18.51], dtype=float) * SCALE
    assert inside_by_cells(area, x.round().astype(np.int64), y.round().astype(np.int64)).all()


def test_edges_that_run_along_cell_borders() -> None:
    column, row = round((73.8 + 180) / CELL), round((18.5 + 90) / CELL)
    west, south = column * CELL - 180, row * CELL - 90
    area = shapely.box(west, south, west + 3 * CELL, south + 2 * CELL)
    steps = np.arange(-4096, 5 * 4096, 512, dtype=np.int64)
    x, y = (axis.ravel() for axis in np.meshgrid(round(west * SCALE) + steps, round(south * SCALE) + steps))
    assert (inside_by_cells(area, x, y) == shapely.intersects_xy(area, x / SCALE, y / SCALE)).all()


@given(x=st.integers(-1_800_000_000, 1_800_000_000), y=st.integers(-900_000_000, 900_000_000))
@example(x=738_077_000, y=185_074_000)
def test_one_place_and_many_have_the_same_cell(x: int, y: int) -> None:
    assert cell_of(x, y) == cells_of(np.array([x]), np.array([y]))[0]
    assert 0 <= cell_of(x, y) < 2**63
