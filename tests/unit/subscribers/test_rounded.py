"""Rounded cells: one code a square, squares without gap or overlap, and refusals that name field and reason."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoalert.errors import Invalid
from geoalert.subscribers.import_csv import parse_row
from geoalert.subscribers.person import RoundedPlace
from geoalert.subscribers.rounded import SIDE, is_rounded, rounded_box, rounded_boxes, rounded_code, squares_over
from geoalert.wards.config import Bbox

PUNE = Bbox(73.68, 18.35, 74.06, 18.68)

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@given(longitudes, latitudes)
def test_the_square_holds_its_point_and_says_no_more(lon: float, lat: float) -> None:
    code = rounded_code(lon, lat)
    assert is_rounded(code)
    box = rounded_box(code)
    assert box.distance(shapely.Point(lon, lat)) <= 1e-7  # of the lattice
    west, south, east, north = box.bounds
    assert east - west <= SIDE + 1e-9
    assert north - south <= SIDE + 1e-9
    inside = (west + east) / 2, (south + north) / 2
    assert rounded_code(*inside) == code
    assert rounded_code(west, south) == code  # its corner too: the code tells none from another
    assert len(code) <= 60


def test_codes_are_what_they_were() -> None:
    assert rounded_code(73.8077, 18.5074) == "cell:16556:38727"
    assert rounded_code(-180, -90) == "cell:0:0"
    assert rounded_code(180, 90) == "cell:27465:54931"
    assert rounded_box("cell:27465:54931").bounds[2:] == (180, 90)
    assert rounded_code(-0.0000001, -0.0000001) != rounded_code(0.0027, 0.0057)


@given(st.integers(0, 27_464), st.integers(0, 54_930))
def test_neighbours_share_a_side_and_nothing_else(row: int, column: int) -> None:
    here, east, north = rounded_boxes([f"cell:{row}:{column}", f"cell:{row}:{column + 1}", f"cell:{row + 1}:{column}"])
    assert here.touches(east)
    assert here.touches(north)
    assert here.intersection(east).length > 0
    assert here.intersection(north).length > 0


def test_squares_over_a_box_leave_nothing_out() -> None:
    for bounds in ((73.68, 18.35, 74.06, 18.68), (-0.01, -0.01, 0.01, 0.01)):
        codes, boxes = squares_over(*bounds)
        assert len(set(codes)) == len(codes)
        assert shapely.union_all(boxes).covers(shapely.box(*bounds))
        assert [box.bounds for box in boxes] == [rounded_box(code).bounds for code in codes]


@pytest.mark.parametrize("code", ["cell:", "cell:1", "cell:01:2", "cell:-1:2", "cell:27466:1", "cell:1:54932", "P12"])
def test_what_is_no_square_is_none(code: str) -> None:
    assert not is_rounded(code)
    with pytest.raises(ValueError, match="rounded cell"):
        rounded_box(code)


def test_the_import_file_rounds_at_the_door() -> None:
    row = {"phone": "9876543210", "places": "18.51 73.81; cell:18.5074 73.8077; ward:P1; cell: 18.5074, 73.8078"}
    person = parse_row(row, {}, frozenset({"P1"}), PUNE)
    assert [place.label for place in person.points] == ["home"]
    assert person.rounded == (RoundedPlace("cell:16556:38727", "work"), RoundedPlace("cell:16556:38727", "other"))
    assert "73.8077" not in repr(person)


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ("cell:", "cell:LAT LON"),
        ("cell:18.5", "cell:LAT LON"),
        ("cell:18.5 73.8 1", "cell:LAT LON"),
        ("cell:here", "cell:LAT LON"),
        ("square:18.5 73.8", "cell:LAT LON"),
        ("cell:118.5 73.8", "between -90 and 90"),
        ("cell:nan 73.8", "a number of degrees"),
        ("cell:18_5.0 73.8", "a number of degrees"),
        (";".join(["cell:18.5 73.8"] * 11), "at most 10"),
        (" ; ", "at least one place"),
    ],
)
def test_a_refusal_names_field_and_reason_and_no_place(places: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refusal:
        parse_row({"phone": "9876543210", "places": places}, {}, frozenset(), PUNE)
    assert refusal.value.pointer == "/places"
    assert "18.5" not in refusal.value.reason
