"""The build, on a toy city with the faults of a real drawing; needs the extra `geoalert[wards]`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geoalert.errors import Invalid
from geoalert.wards import load_city
from geoalert.wards.build import build_product
from geoalert.wards.check import check
from geoalert.wards.product import FILES

BEFORE, AFTER = date(2024, 9, 10), date(2024, 9, 11)
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def source(city_source: Path) -> Path:
    return city_source.parent / "source.geojson"


def _edit(source: Path, change: Edit) -> None:
    document = json.loads(source.read_text())
    change(document)
    source.write_text(json.dumps(document))


def test_hairlines_are_mended_and_the_tiers_follow(city_source: Path, source: Path) -> None:
    drawn = [feature["geometry"] for feature in json.loads(source.read_text())["features"]]
    assert not shapely.coverage_is_valid([shapely.geometry.shape(shape) for shape in drawn])

    report = build_product(source, city_source)
    city = load_city(city_source)
    assert report.counts == {"zone": 1, "office": 2, "unit": 4}
    assert set(report.areas_km2) == {city.config.valid_from, AFTER}
    assert check(city.tree, city.config) == []
    for level in FILES:
        shapes = [ward.geometry for ward in city.tree.in_force(BEFORE, level)]
        assert shapely.coverage_is_valid(shapes)
        # RFC 7946: exteriors run counter-clockwise.
        assert all(shape.exterior.is_ccw for shape in shapes)


def test_what_left_the_city_leaves_its_office_and_zone(city_source: Path, source: Path) -> None:
    build_product(source, city_source)
    tree = load_city(city_source).tree
    middle = shapely.Point(73.83, 18.53)  # in D, which leaves
    assert tree.get("east", BEFORE).geometry.contains(middle)
    assert not tree.get("east", AFTER).geometry.intersects(middle)
    assert not tree.get("Z1", AFTER).geometry.intersects(middle)
    assert len(tree.by_code["west"]) == 1
    assert tree.get("east", AFTER).aliases == ("Purva", "Poorva")


def test_the_same_source_gives_the_same_bytes_in_any_order(city_source: Path, source: Path) -> None:
    first = build_product(source, city_source).sha256
    _edit(source, lambda document: document["features"].reverse())
    assert build_product(source, city_source).sha256 == first


def test_the_dropped_feature_is_nobody_s(city_source: Path, source: Path) -> None:
    build_product(source, city_source)
    camp = shapely.Point(73.85, 18.51)
    assert not any(ward.geometry.intersects(camp) for ward in load_city(city_source).tree.wards)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda document: document["features"][0]["properties"].update(label="Z"), "no row for the feature"),
        (lambda document: document["features"][0]["properties"].update(label="B"), "twice"),
        (lambda document: document["features"].pop(0), "lacks U1"),
        (lambda document: document["features"][0]["properties"].update(office="NORTH"), "office or zone"),
        (lambda document: document["features"][0].update(geometry=None), "valid polygon"),
        (
            lambda document: document["features"][0]["geometry"].update(
                type="LineString", coordinates=[[0, 0], [1, 1]]
            ),
            "valid polygon",
        ),
        (lambda document: [feature["properties"].pop("office") for feature in document["features"]], "column office"),
    ],
)
def test_a_source_that_is_not_as_described_is_refused(city_source: Path, source: Path, change: Edit, word: str) -> None:
    _edit(source, change)
    with pytest.raises(Invalid, match=word):
        build_product(source, city_source)
    assert not (city_source / "units.geojson").exists()


def test_a_file_that_is_no_map_is_refused(city_source: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.kml").write_text("<kml>")
    for name, words in (("notes.txt", "no kind that is read"), ("absent.kml", "no file"), ("empty.kml", "can be read")):
        with pytest.raises(Invalid, match=words):
            build_product(tmp_path / name, city_source)


def test_a_unit_that_would_move_too_far_is_refused(city_source: Path, source: Path) -> None:
    def notch(document: dict[str, Any]) -> None:
        along = np.linspace(73.8002, 73.8198, 60)
        teeth = np.column_stack([along, np.where(np.arange(60) % 2, 18.5, 18.4995)])
        document["features"][0]["geometry"]["coordinates"] = [
            [*teeth.tolist(), [73.82, 18.52], [73.80, 18.52], teeth[0].tolist()]
        ]

    _edit(source, notch)
    toml = city_source / "city.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("simplify_m = 1.0", "simplify_m = 80.0"), encoding="utf-8")
    with pytest.raises(Invalid, match="simplify_m"):
        build_product(source, city_source)


def test_an_office_in_two_zones_is_refused(city_source: Path, source: Path) -> None:
    toml = city_source / "city.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('1 = "Z1"', '1 = "Z1", 2 = "Z2"'), encoding="utf-8")
    _edit(source, lambda document: document["features"][0]["properties"].update(zone="2"))
    with pytest.raises(Invalid, match="two zones"):
        build_product(source, city_source)
