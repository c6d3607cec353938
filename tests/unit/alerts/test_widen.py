"""Widening on the ground: everything within the distance, nothing much beyond it, and on the lattice."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoalert.alerts import Geography
from geoalert.alerts.ground import read_ground
from geoalert.alerts.widen import widened
from geoalert.wards.product import load_city
from geoalert.wards.projection import to_degrees, to_metres
from tests.extent import examples
from tests.pune import PUNE

EPSG = 32643
SQUARE = shapely.box(73.80, 18.50, 73.82, 18.52)
# Some kilometres without a corner: straight in degrees is not straight on the grid.
LONG_LINES = [
    (0.0, 0.015625),
    (-0.015625, 0.0),
    (0.01704747634427167, 0.00669437999014),
    (-0.005034144423194194, -0.01652675340423386),
    (0.0, 0.0),
    (0.0, -0.011467459042482238),
]


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.tuples(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02)), min_size=3, max_size=15, unique=True),
    st.integers(1, 200),
    st.integers(0, 2**32 - 1),
)
@example(LONG_LINES, 70, 0)
def test_all_within_and_none_far_beyond(spots: list[tuple[float, float]], metres: int, seed: int) -> None:
    shape = shapely.buffer(shapely.LineString(np.add(spots, (73.85, 18.52))), 0.0005, quad_segs=2)
    wide = widened(shape, metres, EPSG)
    assert wide.is_valid
    assert wide.covers(shape)
    corners = shapely.get_coordinates(wide)
    assert np.array_equal(corners, corners.round(7))
    rng = np.random.default_rng(seed)
    # A straight line of degrees is a curve in the grid: by short pieces.
    exact = to_metres(shapely.segmentize(shape, 0.0002), EPSG)
    line = exact.boundary
    near = shapely.get_coordinates(shapely.line_interpolate_point(line, rng.uniform(0, line.length, 200)))
    angle = rng.uniform(0, 2 * np.pi, (200, 1))
    points = near + (metres - 0.01) * np.hstack([np.cos(angle), np.sin(angle)])
    assert shapely.covers(wide, to_degrees(shapely.points(points), EPSG)).all()
    outermost = shapely.points(shapely.get_coordinates(to_metres(shapely.segmentize(wide, 0.0002), EPSG)))
    assert shapely.distance(outermost, exact).max() <= metres * 1.026 + 0.1


def test_all_wards_of_a_city_stay_valid() -> None:
    for ward in load_city(PUNE).tree.in_force(date(2026, 11, 1)):
        wide = widened(ward.geometry, 50, EPSG)
        assert wide.is_valid
        assert wide.covers(ward.geometry)


@pytest.mark.parametrize(
    ("severity", "metres"), [("Extreme", 50), ("Severe", 50), ("Moderate", 0), ("Minor", 0), ("Unknown", 0)]
)
def test_only_the_wards_of_what_is_grave_are_widened(severity: str, metres: int) -> None:
    geography = Geography((73, 18, 75, 19), "2021", lambda _code: SQUARE, {}, EPSG, 50)
    drawn = shapely.box(73.84, 18.50, 73.86, 18.52)
    ring = {"type": "Polygon", "coordinates": [[list(corner) for corner in drawn.exterior.coords]]}
    ground = read_ground(geography, severity, ["a"], [], ring, drill=False)
    assert ground.widened_m == metres
    assert shapely.get_parts(ground.area)[shapely.intersects(shapely.get_parts(ground.area), drawn)][0].equals(drawn)
    assert ground.area.covers(shapely.box(73.7999, 18.5, 73.8, 18.52)) is bool(metres)
    only_drawn = read_ground(geography, severity, [], [], ring, drill=False)
    assert (only_drawn.widened_m, only_drawn.area.equals(drawn)) == (0, True)
    off = Geography((73, 18, 75, 19), "2021", lambda _code: SQUARE, {}, EPSG, 0)
    assert read_ground(off, severity, ["a"], [], None, drill=False).area is SQUARE
