"""A circle holds all that is within its radius, and next to nothing beyond it."""

from __future__ import annotations

import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoalert.alerts.circle import LARGEST_M, WGS84, Circle


@given(
    lon=st.floats(73.6, 74.1),
    lat=st.floats(18.3, 18.7),
    radius=st.floats(1.0, LARGEST_M),
    turn=st.floats(0.0, 360.0),
)
def test_within_the_radius_is_inside_and_far_beyond_it_is_not(
    lon: float, lat: float, radius: float, turn: float
) -> None:
    polygon = Circle(lon, lat, radius).polygon()
    assert polygon.is_valid
    assert polygon.exterior.is_ccw
    for distance, inside in ((radius, True), (radius * 1.0004 + 0.3, False)):
        x, y, _ = WGS84.fwd(lon, lat, turn, distance)
        assert bool(shapely.intersects_xy(polygon, x, y)) is inside
