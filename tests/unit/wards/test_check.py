"""Faults are planted in a sound tree; each must be found, and a sound tree has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import shapely
from shapely.affinity import translate
from shapely.geometry import Polygon, box

from geoalert.wards import City, CityConfig, WardTree
from geoalert.wards.check import check, summary
from geoalert.wards.config import Gap
from geoalert.wards.finding import KINDS, Finding
from geoalert.wards.projection import area_km2, to_metres

Change = Callable[..., WardTree]
BEGIN = date(2021, 6, 30)
U3 = (73.82, 18.50, 73.84, 18.52)


def _swap(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda points: points[:, ::-1])


def _kinds(findings: list[Finding], code: str) -> set[str]:
    return {finding.kind for finding in findings if code in finding.codes}


@pytest.mark.requirement("S002-14")
def test_the_product_has_no_fault(pune: City) -> None:
    assert check(pune.tree, pune.config) == []


def test_a_sound_tree_has_no_fault(board: WardTree, rules: CityConfig) -> None:
    assert check(board, rules) == []


def test_a_sliver_of_five_square_metres(change: Change, rules: CityConfig) -> None:
    # A spike into U1, 50 m wide along the common edge and 0.2 m deep.
    west, south, east, north = U3
    tip = [(west, 18.510225), (west - 1.9e-6, 18.51), (west, 18.509775)]
    spike = Polygon([(west, south), (east, south), (east, north), (west, north), *tip])
    tree = change("U3", geometry=spike)
    shared = spike.intersection(tree.get("U1", BEGIN).geometry)
    assert area_km2(shared, rules.epsg) * 1e6 == pytest.approx(5, abs=0.1)
    found = check(tree, rules)
    assert ("U1", "U3") in {finding.codes for finding in found if finding.kind == "overlap"}
    assert "overlap" in {kind for kind, _, count, _ in summary(found) if count}


def test_a_hole(change: Change, rules: CityConfig) -> None:
    holed = box(*U3).difference(box(73.829, 18.509, 73.831, 18.511))
    found = check(change("U3", geometry=holed), rules)
    assert {"gap", "containment", "area"} <= {finding.kind for finding in found}
    assert any(finding.kind == "gap" and finding.codes == ("U3",) for finding in found)


def test_a_hole_that_is_known_is_no_fault_until_it_is_covered(board: WardTree, rules: CityConfig) -> None:
    known = replace(rules, gaps=(Gap("camp", (73.83, 18.51), 0.1),))
    assert [finding.kind for finding in check(board, known)] == ["missing-gap"]


@pytest.mark.parametrize("wide", [0.0001, 0.000002])
def test_a_slit_that_is_open_to_the_outside(board: WardTree, rules: CityConfig, wide: float) -> None:
    """No hole, and the tiers agree: ten metres, or twenty centimetres, along a whole edge that are nobody's."""
    units = {ward.code: ward.geometry for ward in board.wards}
    west, south, east, north = U3
    units["U3"] = box(west + wide, south, east, north)
    parts = {"O1": ("U1", "U2"), "O2": ("U3", "U4", "U5", "U6"), "Z1": ("U1", "U2", "U3", "U4", "U5", "U6")}
    for code, below in parts.items():
        units[code] = shapely.union_all([units[unit] for unit in below])
    areas = {code: round(area_km2(shape, rules.epsg), 3) for code, shape in units.items()}
    wards = (replace(ward, geometry=units[ward.code], area_km2=areas[ward.code]) for ward in board.wards)
    found = check(replace(board, wards=tuple(wards)), replace(rules, expected=()))
    assert [finding.codes for finding in found if finding.kind == "gap"] == [("U1", "U2", "U3", "U4")]


def test_a_stated_area_is_measured_without_published_figures(change: Change, rules: CityConfig) -> None:
    found = check(change("U3", area_km2=1.0), replace(rules, expected=()))
    assert [(finding.kind, finding.codes) for finding in found] == [("area", ("U3",))]


def test_swapped_coordinates(change: Change, board: WardTree, rules: CityConfig) -> None:
    found = check(change("U3", geometry=_swap(board.get("U3", BEGIN).geometry)), rules)
    assert "swapped" in _kinds(found, "U3")


def test_a_ring_that_crosses_itself(change: Change, rules: CityConfig) -> None:
    bow_tie = Polygon([(73.82, 18.50), (73.84, 18.52), (73.84, 18.50), (73.82, 18.52)])
    found = check(change("U3", geometry=bow_tie), rules)
    assert "invalid" in _kinds(found, "U3")
    assert any("Self-intersection" in finding.detail for finding in found)


def test_metres_instead_of_degrees(change: Change, board: WardTree, rules: CityConfig) -> None:
    metres = to_metres(board.get("U3", BEGIN).geometry, rules.epsg)
    assert _kinds(check(change("U3", geometry=metres), rules), "U3") == {"crs"}


def test_limits_in_another_city(change: Change, board: WardTree, rules: CityConfig) -> None:
    elsewhere = translate(board.get("U3", BEGIN).geometry, 5, 0)
    assert "elsewhere" in _kinds(check(change("U3", geometry=elsewhere), rules), "U3")


def test_empty_limits(change: Change, rules: CityConfig) -> None:
    assert "invalid" in _kinds(check(change("U3", geometry=Polygon()), rules), "U3")


def test_a_code_used_twice(change: Change, rules: CityConfig) -> None:
    assert "duplicate" in _kinds(check(change("U4", code="U3"), rules), "U3")


def test_the_same_code_in_two_periods_is_no_duplicate(pune: City) -> None:
    assert len(pune.tree.by_code["Z4"]) == 2
    assert not [finding for finding in check(pune.tree, pune.config) if finding.kind == "duplicate"]


def test_edges_that_meet_without_sharing_vertices(change: Change, rules: CityConfig) -> None:
    # Same ground, but a vertex on the common edge that the neighbour does not have.
    west, south, east, north = U3
    extra = Polygon([(west, south), (east, south), (east, north), (west, north), (west, 18.51)])
    assert "edges" in {finding.kind for finding in check(change("U3", geometry=extra), rules)}


def test_a_missing_unit(board: WardTree, rules: CityConfig) -> None:
    fewer = replace(board, wards=tuple(ward for ward in board.wards if ward.code != "U6"))
    found = {finding.kind for finding in check(fewer, rules)}
    assert {"count", "area", "containment"} <= found


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"parent": "nowhere"}, "parent"),
        ({"parent": "Z1"}, "parent"),
        ({"parent": None}, "parent"),
        ({"name_hi": ""}, "name"),
        ({"name_mr": "Gamma"}, "name"),
        ({"name_en": "गॅमा"}, "name"),
        ({"name_mr": "प्रभाग क\u0915\u093c\u0958"}, "name"),
        ({"aliases": ("ward D",)}, "alias"),
        ({"valid_to": BEGIN}, "period"),
        ({"valid_from": date(2020, 1, 1)}, "period"),
        ({"area_km2": 1.0}, "area"),
    ],
)
def test_wrong_facts(change: Change, rules: CityConfig, facts: dict[str, Any], kind: str) -> None:
    found = check(change("U3", **facts), rules)
    assert kind in _kinds(found, "U3")


def test_the_summary_names_every_kind_and_the_first_fault(change: Change, rules: CityConfig) -> None:
    rows = summary(check(change("U3", name_hi=""), rules))
    assert [row[0] for row in rows] == list(KINDS)
    assert [row for row in rows if row[2]] == [("name", KINDS["name"], 1, "U3 no name in hi")]


def test_all_faults_at_once_do_not_stop_the_check(board: WardTree, rules: CityConfig) -> None:
    bow_tie = Polygon([(0, 0), (500, 500), (500, 0), (0, 500)])
    broken = tuple(replace(ward, geometry=bow_tie, code="U1", parent="U1", name_mr="") for ward in board.wards)
    assert {"duplicate", "crs", "parent", "name", "area"} <= {
        finding.kind for finding in check(replace(board, wards=broken), rules)
    }
