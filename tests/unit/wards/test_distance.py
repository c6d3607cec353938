from __future__ import annotations

import pytest
from pyproj import Geod
from shapely import segmentize
from shapely.geometry import Polygon, box

from geoalert.wards.distance import NOBODY, OfficeEdges

WGS84 = Geod(ellps="WGS84")
# Three offices in a row and a fourth across open ground.
ROW = [box(73.80, 18.50, 73.82, 18.52), box(73.82, 18.50, 73.84, 18.52), box(73.84, 18.50, 73.86, 18.52)]
FAR = box(73.80, 18.53, 73.82, 18.55)


@pytest.mark.parametrize("metres", [0.5, 49, 51, 900])
def test_it_is_the_geodesic_to_the_nearest_other(metres: float) -> None:
    edge = (73.82, 18.51)
    lon, lat, _ = WGS84.fwd(*edge, 270, metres)
    found = OfficeEdges([*ROW, FAR]).nearest(lon, lat, 0)
    assert found is not None
    assert found[0] == pytest.approx(metres, rel=1e-3)
    assert found[1] == 1


@pytest.mark.parametrize(
    ("lon", "lat"),
    [(72.87, 19.07), (77.2, 28.6), (0.0, 51.5), (151.0, -33.9), (-74.0, 40.7), (-179.0, -18.0), (0.0, 90.0)],
)
def test_it_is_the_geodesic_from_anywhere_on_earth(lon: float, lat: float) -> None:
    ends = [
        (WGS84.inv(lon, lat, *corner)[2], number)
        for number, office in enumerate([*ROW, FAR])
        for corner in segmentize(office, 0.0005).exterior.coords
    ]
    found = OfficeEdges([*ROW, FAR]).nearest(lon, lat)
    assert found is not None
    assert found[0] == pytest.approx(min(ends)[0], rel=1e-4)
    # Two offices share a corner, and either may be named.
    assert found[1] in {number for metres, number in ends if metres == pytest.approx(min(ends)[0], rel=1e-6)}


def test_an_own_edge_on_open_ground_is_no_neighbour() -> None:
    # 0.0001 degrees under its own northern edge; the next office is across open ground, 0.01 degrees further.
    metres = WGS84.line_length([73.805, 73.805], [18.5199, 18.53])
    found = OfficeEdges([*ROW, FAR]).nearest(73.805, 18.5199, 0)
    assert found is not None
    assert found[0] == pytest.approx(metres, rel=1e-3)
    assert found[1] == 3


def test_from_outside_every_office_counts() -> None:
    found = OfficeEdges(ROW).nearest(73.87, 18.51, NOBODY)
    assert found is not None
    assert found[1] == 2


def test_a_lone_office_has_no_neighbour() -> None:
    assert OfficeEdges([ROW[0]]).nearest(73.81, 18.51, 0) is None


def test_an_enclosed_office_sees_the_one_around_it() -> None:
    inner = box(73.805, 18.505, 73.815, 18.515)
    around = Polygon(box(73.80, 18.50, 73.82, 18.52).exterior.coords, [inner.exterior.coords])
    found = OfficeEdges([around, inner]).nearest(73.81, 18.51, 1)
    assert found is not None
    assert found[1] == 0
