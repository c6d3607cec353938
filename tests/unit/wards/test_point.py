from __future__ import annotations

import pytest

from geoalert.errors import Invalid
from geoalert.wards import City, parse_point


def test_latitude_comes_first_and_longitude_is_returned_first(pune: City) -> None:
    assert parse_point("18.5074", "73.8077", pune.config.bbox) == (73.8077, 18.5074)
    assert parse_point(18, 73.8, pune.config.bbox) == (73.8, 18.0)
    assert parse_point("१८.५", " 73.8 ", pune.config.bbox) == (73.8, 18.5)


def test_a_point_elsewhere_is_outside_not_wrong(pune: City) -> None:
    assert parse_point(-33.9, 151.2, pune.config.bbox) == (151.2, -33.9)


@pytest.mark.parametrize("wrong", ["", "north", "nan", "inf", "-inf", "1_8", "18.5, 73.8", True, float("nan"), 10**400])
def test_what_is_not_a_number_is_refused_where_it_stands(pune: City, wrong: str | float) -> None:
    with pytest.raises(Invalid) as lat:
        parse_point(wrong, "73.8", pune.config.bbox)
    with pytest.raises(Invalid) as lon:
        parse_point("18.5", wrong, pune.config.bbox)
    assert (lat.value.pointer, lon.value.pointer) == ("/lat", "/lon")
    assert "latitude must be a number" in lat.value.reason


@pytest.mark.parametrize(("lat", "lon", "pointer"), [(91, 73.8, "/lat"), (-90.1, 0, "/lat"), (18.5, 180.5, "/lon")])
def test_out_of_range_is_refused(pune: City, lat: float, lon: float, pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_point(lat, lon, pune.config.bbox)
    assert refusal.value.pointer == pointer


def test_swapped_coordinates_are_recognised_without_telling_where(pune: City) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_point("73.8077", "18.5074", pune.config.bbox)
    assert refusal.value.pointer == "/lat"
    assert refusal.value.reason == "latitude and longitude look swapped; give latitude first"
