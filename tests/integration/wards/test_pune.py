"""The product of Pune against what is known of the city, and every way of asking against plain shapely."""

from __future__ import annotations

import csv
import unicodedata
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoalert.errors import Invalid
from geoalert.wards import LEVELS, Level, Location, WardIndex, load_city, locate, locate_many, to_json
from geoalert.wards.locate import UNCERTAIN_M
from geoalert.wards.projection import to_metres
from geoalert.wards.raster import CELL_DEGREES
from tests.extent import examples
from tests.pune import PUNE

CITY: Final = load_city(PUNE)
INDEX: Final = WardIndex(CITY.tree, CITY.config.note)
BEFORE, AFTER = date(2024, 9, 10), date(2024, 9, 11)
TODAY: Final = date(2026, 11, 1)
# Prepared beforehand, so that no example pays for it.
for _day in (BEFORE, AFTER):
    INDEX.period(_day)
DAYS: Final = st.sampled_from([BEFORE, AFTER, TODAY])


IN_METRES: Final = {
    day: [(office.code, to_metres(office.geometry, CITY.config.epsg)) for office in CITY.tree.offices(day)]
    for day in (BEFORE, AFTER, TODAY)
}


def _points() -> list[tuple[str, float, float, str]]:
    lines = Path(__file__).with_name("points.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [(row["place"], float(row["lat"]), float(row["lon"]), row["office"]) for row in rows]


def _plain(lon: float, lat: float, on: date) -> str | None:
    """The unit by shapely alone: the lowest code that covers the point."""
    point = shapely.Point(lon, lat)
    return next((unit.code for unit in CITY.tree.units(on) if unit.geometry.covers(point)), None)


def _agrees(lon: float, lat: float, on: date) -> Location:
    found = locate(INDEX, lon, lat, on)
    assert (found.unit.code if found.unit else None) == _plain(lon, lat, on)
    if found.unit is None:
        assert found.office is found.zone is None
    else:
        assert found.office is not None
        assert found.zone is not None
        assert (found.unit.parent, found.office.parent) == (found.office.code, found.zone.code)
        assert found.office.in_force(on)
        assert found.zone.in_force(on)
    (number,) = locate_many(INDEX, [lon], [lat], on)
    assert (INDEX.units[number] if number >= 0 else None) is found.unit
    return found


@pytest.mark.requirement("S002-14")
@pytest.mark.parametrize(
    ("on", "counts", "area"), [(BEFORE, (5, 15, 75), 508.2), (AFTER, (5, 15, 73), 479.9), (TODAY, (5, 15, 73), 479.9)]
)
def test_counts_and_areas(on: date, counts: tuple[int, ...], area: float) -> None:
    assert tuple(len(CITY.tree.in_force(on, level)) for level in LEVELS) == counts
    for level in LEVELS:
        assert sum(ward.area_km2 for ward in CITY.tree.in_force(on, level)) == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize("on", [BEFORE, AFTER])
@pytest.mark.parametrize("level", LEVELS)
def test_each_tier_is_a_coverage(on: date, level: Level) -> None:
    assert shapely.coverage_is_valid([ward.geometry for ward in CITY.tree.in_force(on, level)])


@pytest.mark.parametrize("on", [BEFORE, AFTER])
def test_the_tiers_share_their_edges_vertex_for_vertex(on: date) -> None:
    def edges(level: Level) -> set[frozenset[tuple[float, float]]]:
        found = set()
        for ward in CITY.tree.in_force(on, level):
            for ring in shapely.get_rings(ward.geometry):
                ends = [tuple(point) for point in shapely.get_coordinates(ring).tolist()]
                found |= {frozenset(pair) for pair in pairwise(ends)}
        return found

    assert edges("zone") < edges("office") < edges("unit")


def test_six_decimals_and_composed_names() -> None:
    for ward in CITY.tree.wards:
        points = shapely.get_coordinates(ward.geometry)
        assert (points == np.round(points, 6)).all()
        assert all(unicodedata.is_normalized("NFC", name) for name in (*ward.names.values(), *ward.aliases))


@pytest.mark.requirement("S002-14")
@pytest.mark.parametrize(("place", "lat", "lon", "office"), _points())
def test_known_points_are_in_their_office(place: str, lat: float, lon: float, office: str) -> None:
    found = locate(INDEX, lon, lat, TODAY)
    assert (found.office.code if found.office else "") == office, place
    assert found.outside == (office == "")


@pytest.mark.requirement("S002-14", "S002-15")
def test_the_answer_names_office_and_zone() -> None:
    answer = to_json(locate(INDEX, 73.8077, 18.5074, TODAY))
    assert (answer["office"], answer["zone"], answer["zone_code"]) == ("Kothrud-Bavdhan", 2, "Z2")
    assert answer["names"]["office"] == {"en": "Kothrud-Bavdhan", "mr": "कोथरूड-बावधन", "hi": "कोथरुड-बावधन"}
    assert answer["unit_code"] == "2017-P12"
    assert (answer["inside"], answer["outside"], answer["uncertain"]) == (True, False, False)
    assert answer["note"] == "offices as of 2021; reported redrawn in February 2026"
    assert "nearest" not in answer


def test_outside_the_nearest_office_is_information_and_never_the_answer() -> None:
    answer = to_json(locate(INDEX, 73.8788, 18.5146, TODAY))  # the Cantonment
    assert answer["outside"]
    assert {answer["zone"], answer["office"], answer["unit"], answer["unit_code"]} == {None}
    assert answer["names"] == {"zone": None, "office": None, "unit": None}
    assert answer["nearest"]["metres"] == pytest.approx(459, abs=2)


@pytest.mark.parametrize(("lon", "lat"), [(73.95, 18.45), (73.968, 18.470)])
def test_fursungi_and_uruli_devachi_left_on_their_day(lon: float, lat: float) -> None:
    before, after = locate(INDEX, lon, lat, BEFORE), locate(INDEX, lon, lat, AFTER)
    assert before.unit is not None
    assert before.unit.code in {"V-fursungi", "V-uruli-devachi"}
    assert before.office is not None
    assert before.office.code == "hadapsar-mundhwa"
    assert after.outside


def test_a_day_before_the_first_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        locate(INDEX, 73.8, 18.5, date(2021, 6, 29))
    assert refusal.value.pointer == "/at"


@pytest.mark.parametrize(
    ("lat", "lon", "metres"), [(18.475892, 73.889505, 12), (18.511875, 73.857932, 8), (18.511186, 73.870064, 26)]
)
def test_near_another_office_is_uncertain(lat: float, lon: float, metres: float) -> None:
    found = locate(INDEX, lon, lat, TODAY)
    assert found.uncertain
    assert found.metres_to_other_office == pytest.approx(metres, abs=1)
    assert found.other_office is not None
    assert found.other_office != found.office


lon_lat = st.tuples(
    st.floats(CITY.config.bbox.west, CITY.config.bbox.east), st.floats(CITY.config.bbox.south, CITY.config.bbox.north)
)


@given(at=lon_lat, on=DAYS)
@settings(max_examples=examples(400), deadline=None)
def test_any_point(at: tuple[float, float], on: date) -> None:
    _agrees(*at, on)


CORNERS: Final = np.unique(
    np.concatenate([shapely.get_coordinates(unit.geometry) for unit in CITY.tree.units(BEFORE)]), axis=0
)


@given(number=st.integers(0, len(CORNERS) - 1), on=DAYS, step=st.sampled_from([0.0, 1e-15, -1e-15, 1e-9, -1e-9]))
@settings(max_examples=examples(300), deadline=None)
def test_any_vertex_and_its_surroundings(number: int, on: date, step: float) -> None:
    lon, lat = CORNERS[number].tolist()
    _agrees(lon * (1 + step), lat, on)
    _agrees(lon, lat * (1 + step), on)


@given(data=st.data(), share=st.floats(0, 1), on=DAYS)
@settings(max_examples=examples(300), deadline=None)
def test_any_point_on_an_edge(data: st.DataObject, share: float, on: date) -> None:
    unit = data.draw(st.sampled_from(CITY.tree.units(on)))
    ring = shapely.get_coordinates(unit.geometry.exterior)
    at = data.draw(st.integers(0, len(ring) - 2))
    lon, lat = (ring[at] + share * (ring[at + 1] - ring[at])).tolist()
    _agrees(lon, lat, on)


@given(column=st.integers(0, 1800), row=st.integers(0, 1500), on=DAYS)
def test_the_borders_of_the_raster_s_own_cells(column: int, row: int, on: date) -> None:
    west, south, *_ = shapely.total_bounds(np.array([unit.geometry for unit in CITY.tree.units(on)]))
    _agrees(west + column * CELL_DEGREES, south + row * CELL_DEGREES, on)


@given(at=lon_lat, on=DAYS)
@settings(max_examples=examples(200), deadline=None)
def test_metres_are_to_the_nearest_other_office(at: tuple[float, float], on: date) -> None:
    found = locate(INDEX, *at, on)
    assert found.metres_to_other_office is not None
    own = found.office and found.office.code
    # In the city's grid: another projection, with a scale of 0.9998 here.
    point = to_metres(shapely.Point(at), CITY.config.epsg)
    nearest = min(point.distance(shape) for code, shape in IN_METRES[on] if code != own)
    assert found.metres_to_other_office == pytest.approx(nearest, rel=1.5e-3, abs=0.05)
    assert found.uncertain == (found.metres_to_other_office < UNCERTAIN_M)


@pytest.mark.parametrize("on", [BEFORE, TODAY])
def test_many_at_once_equal_one_by_one(on: date) -> None:
    random = np.random.default_rng(7)
    box = CITY.config.bbox
    lons, lats = random.uniform(box.west, box.east, 20_000), random.uniform(box.south, box.north, 20_000)
    many = locate_many(INDEX, lons, lats, on)
    for lon, lat, number in zip(lons.tolist(), lats.tolist(), many.tolist(), strict=True):
        unit = locate(INDEX, lon, lat, on).unit
        assert (INDEX.units[number] if number >= 0 else None) is unit


def test_what_is_no_coordinate_is_outside_and_unequal_lists_are_refused() -> None:
    lons, lats = [73.8077, float("nan"), float("inf"), 1e300], [18.5074, 18.5, 18.5, -1e300]
    assert (locate_many(INDEX, lons, lats, TODAY) >= 0).tolist() == [True, False, False, False]
    assert locate_many(INDEX, [], [], TODAY).size == 0
    with pytest.raises(Invalid):
        locate_many(INDEX, [73.8], [18.5, 18.6], TODAY)
