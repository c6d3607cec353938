"""The plan for phones whose place we do not hold: it covers every area, fits its budget, and can be decoded."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoalert.alerts.widen import widened
from geoalert.audience.geofence import plan
from geoalert.audience.outline_text import to_text
from geoalert.audience.outward import outward
from geoalert.audience.topics import cover_by_topics, topic_name
from geoalert.errors import Invalid
from geoalert.subscribers.rounded import is_rounded, rounded_box, rounded_code
from geoalert.wards.model import Ward, WardTree
from geoalert.wards.product import load_city
from tests.extent import examples
from tests.pune import PUNE

ON = date(2026, 11, 1)
EPSG = 32643
SLIVER = 1e-12  # square degrees
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def decoded(text: str) -> shapely.Geometry:
    """As an app would, by the words of `outline_text` alone."""
    at = [0, 0]
    polygons = []
    for part in text.split("."):
        numbers, number, shift = [], 0, 0
        for sign in part:
            position = SIGNS.index(sign)
            number |= (position & 31) << shift
            shift += 5
            if position < 32:
                numbers.append(-(number + 1) // 2 if number % 2 else number // 2)
                number = shift = 0
        corners = []
        for east, north in zip(numbers[::2], numbers[1::2], strict=True):
            at = [at[0] + east, at[1] + north]
            corners.append((at[0] / 100_000, at[1] / 100_000))
        polygons.append(shapely.Polygon(corners))
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


@cache
def tree() -> WardTree:
    return load_city(PUNE).tree


def wards() -> tuple[Ward, ...]:
    return tree().in_force(ON)


def river() -> shapely.Polygon:
    """A winding strip of more than 5,000 corners."""
    along = np.linspace(0, 1, 300)
    line = shapely.LineString(np.column_stack([73.72 + 0.3 * along, 18.5 + 0.03 * np.sin(27 * along)]))
    shape: shapely.Polygon = shapely.segmentize(shapely.buffer(line, 0.003), 0.00025)
    assert shapely.get_num_coordinates(shape) > 5_000
    return shape


def require_cover(area: shapely.Geometry, budget: int) -> shapely.Geometry:
    outline = outward(area, budget)
    assert len(outline.text) <= budget
    assert outline.shape.is_valid
    assert outline.shape.covers(area)
    assert decoded(outline.text).equals_exact(outline.shape, 0)
    return outline.shape


@pytest.mark.parametrize(("budget", "percent"), [(1_000, 2.0), (1_500, 2.0), (3_000, 2.0)])
def test_every_ward_fits_and_little_is_added(budget: int, percent: float) -> None:
    for ward in wards():
        if ward.level == "zone":
            continue
        shape = require_cover(ward.geometry, budget)
        solid = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(ward.geometry)])
        assert shape.area <= solid.area * (1 + percent / 100), ward.code


@pytest.mark.parametrize("budget", [64, 300, 1_500, 3_000])
def test_the_city_a_river_and_many_parts_fit(budget: int) -> None:
    city = shapely.union_all([zone.geometry for zone in tree().zones(ON)])
    many = shapely.MultiPolygon(
        [
            shapely.box(x, y, x + 0.001, y + 0.001)
            for x in np.arange(73.7, 74, 0.02)
            for y in np.arange(18.4, 18.6, 0.02)
        ]
    )
    for area in (city, river(), many, shapely.box(0, -80, 170, 80), shapely.box(-73.9, -18.6, -73.8, -18.5)):
        require_cover(area, budget)


def test_what_cannot_fit_is_refused() -> None:
    with pytest.raises(Invalid, match="64 bytes") as refusal:
        outward(river(), 63)
    assert refusal.value.pointer == "/budget"


coordinates = st.floats(-1, 1, allow_nan=False, width=32)
scattered = arrays(np.float64, st.tuples(st.integers(3, 40), st.just(2)), elements=coordinates)


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Geometry:
    """Stars, strips and blots with holes, anywhere near a spot in Pune or south-west of 0, 0."""
    corners = draw(scattered)
    size = draw(st.sampled_from([1e-5, 1e-3, 0.05]))
    middle = draw(st.sampled_from([(73.85, 18.52), (-0.01, -0.01)]))
    line = shapely.LineString(corners * size + middle)
    kind = draw(st.sampled_from(["strip", "faces"]))
    shape = shapely.buffer(line, size / 20) if kind == "strip" else shapely.make_valid(shapely.Polygon(line.coords))
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    return shapely.union_all(polygons) if polygons else shapely.box(*middle, middle[0] + size, middle[1] + size)


@settings(max_examples=examples(120), deadline=None)
@given(shapes(), st.sampled_from([64, 100, 400, 2_000]))
def test_any_shape_is_covered_within_any_budget(area: shapely.Geometry, budget: int) -> None:
    require_cover(area, budget)


whole = st.integers(-18_000_000, 18_000_000)


@given(st.lists(st.lists(st.tuples(whole, whole), min_size=3, max_size=9, unique=True), min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(rings: list[list[tuple[int, int]]]) -> None:
    text = to_text(rings)
    read = decoded(text)
    for ring, part in zip(rings, shapely.get_parts(read), strict=True):
        expected = np.array(ring) / 100_000
        assert np.array_equal(shapely.get_coordinates(part)[:-1], expected)


def ground_of(codes: tuple[str, ...]) -> shapely.Geometry:
    by_code = {ward.code: ward.geometry for ward in wards()}
    return shapely.union_all([rounded_box(code) if is_rounded(code) else by_code[code] for code in codes])


def test_a_ward_is_its_own_topic_and_children_become_their_parent() -> None:
    for ward in wards():
        if ward.level != "zone":
            assert cover_by_topics(ward.geometry, wards(), 5).codes == (ward.code,)
    office = tree().get("kothrud-bavdhan", ON)
    children = [unit.geometry for unit in tree().units_of(office.code, ON)]
    assert len(children) > 1
    assert cover_by_topics(shapely.union_all(children), wards(), 5).codes == (office.code,)
    city = shapely.union_all([zone.geometry for zone in tree().zones(ON)])
    assert set(cover_by_topics(city, wards(), 5).codes) == {"Z1", "Z2", "Z3", "Z4", "Z5"}
    all_but_one = shapely.union_all(children[1:])
    found = cover_by_topics(all_but_one, wards(), 20).codes
    assert office.code not in found


@settings(max_examples=examples(60), deadline=None)
@given(
    st.floats(73.68, 74.06), st.floats(18.35, 18.68), st.floats(0.0003, 0.12), st.integers(1, 12), st.integers(3, 12)
)
def test_topics_cover_whatever_is_drawn(lon: float, lat: float, size: float, most: int, corners: int) -> None:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    area = shapely.Polygon(np.column_stack([lon + size * np.cos(angles), lat + size * np.sin(angles) / 2]))
    found = cover_by_topics(area, wards(), most)
    assert 1 <= len(found.codes) <= most
    assert len(set(found.codes)) == len(found.codes)
    assert shapely.difference(area, found.ground).area <= SLIVER
    if found.codes != ("everyone",):
        assert shapely.difference(area, ground_of(found.codes)).area <= SLIVER
        squares = [code for code in found.codes if is_rounded(code)]
        for code in squares:  # none for nothing
            assert shapely.relate_pattern(area, rounded_box(code), "T********")


def test_a_small_area_takes_cells_and_a_crowded_one_everyone() -> None:
    dot = shapely.Point(73.8077, 18.5074).buffer(0.0001)
    assert cover_by_topics(dot, wards(), 5).codes == (rounded_code(73.8077, 18.5074),)
    assert topic_name("cell:16557:38728") == "cell%3A16557%3A38728"
    wide = widened(tree().get("kothrud-bavdhan", ON).geometry, 50, EPSG)
    assert cover_by_topics(wide, wards(), 5).codes == ("everyone",)
    assert cover_by_topics(wide, wards(), 40).codes != ("everyone",)
    assert cover_by_topics(shapely.box(0, 0, 90, 80), wards(), 50).codes == ("everyone",)


def test_the_plan_says_how_far_it_reaches() -> None:
    unit = tree().units(ON)[3]
    made = plan(unit.geometry, wards(), EPSG, budget=300)
    assert made.topics == (unit.code,)
    assert made.topics_reach.km2_beyond == pytest.approx(0, abs=1e-6)
    document: dict[str, Any] = made.counted(10, 10, 12).document()
    assert document["area_km2"] == pytest.approx(unit.area_km2, rel=0.001)
    reach = document["outline_reach"]
    assert 0 < reach["percent_beyond"] < 5
    assert reach["km2_beyond"] == pytest.approx(document["area_km2"] * reach["percent_beyond"] / 100, rel=0.05)
    assert (reach["people_beyond"], document["topics_reach"]["people_beyond"]) == (2, 0)
    with pytest.raises(Invalid, match="topics"):
        plan(unit.geometry, wards(), EPSG, most=0)
