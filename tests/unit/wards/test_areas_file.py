"""A utility's file of service areas: taken whole, or refused with the feature and its fault."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from geoalert.errors import Invalid
from geoalert.wards import City
from geoalert.wards.areas_file import read_areas
from geoalert.wards.service_area import KINDS
from tests.pune import PUNE
from tests.service_areas import TANK, make_area, write_areas

SAMPLE = PUNE / "areas.sample.geojson"


def read(path: Path, city: City, **options: Any) -> list[Any]:
    return read_areas(path, city.config, options.pop("since", None), Counter(), **options)


def test_an_area_is_read_as_it_was_written(pune: City, tmp_path: Path) -> None:
    area = make_area(valid_to=date(2030, 1, 1))
    (found,) = read(write_areas(tmp_path / "areas.geojson", [area]), pune)
    assert found.geometry.equals(area.geometry)
    assert (found.code, found.kind, found.names) == (area.code, area.kind, area.names)
    assert (found.valid_from, found.valid_to, found.illustrative) == (area.valid_from, date(2030, 1, 1), False)


def test_a_geopackage_in_metres_is_read_too(pune: City, tmp_path: Path) -> None:
    path = write_areas(tmp_path / "areas.geojson", [make_area()])
    frame = geopandas.read_file(path).to_crs(32643)
    frame.drop(columns=["valid_from", "valid_to"]).to_file(tmp_path / "areas.gpkg", driver="GPKG")
    (found,) = read(tmp_path / "areas.gpkg", pune, since=date(2026, 1, 1))
    assert found.valid_from == date(2026, 1, 1)
    assert found.geometry.symmetric_difference(TANK).area < 1e-9


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"code": ""}, "/code", "has no code"),
        ({"code": "Parvati HLR"}, "/code", "written like parvati-hlr"),
        ({"code": "x" * 61}, "/code", "more than 60"),
        ({"kind": "pond"}, "/kind", "kinds are tank-zone"),
        ({"name_hi": None}, "/name_hi", "has no name_hi"),
        ({"name_mr": "Tank"}, "/name_mr", "not in Devanagari"),
        ({"name_en": "Tank\x1b[31m"}, "/name_en", "cannot be shown"),
        ({"name_mr": "टा\u202eकी"}, "/name_mr", "cannot be shown"),
        ({"department": ""}, "/department", "has no department"),
        ({"source": ""}, "/source", "has no source"),
        ({"valid_from": None}, "/valid_from", "say --from"),
        ({"valid_from": "soon"}, "/valid_from", "written 2026-11-21"),
        ({"valid_to": "2021-06-30"}, "/valid_to", "ends before it begins"),
        ({"illustrative": "perhaps"}, "/illustrative", "true or false"),
        ({"illustrative": True}, "/illustrative", "--illustrative"),
    ],
)
def test_a_wrong_property_is_refused(
    changes: dict[str, Any], pointer: str, reason: str, pune: City, tmp_path: Path
) -> None:
    path = write_areas(tmp_path / "areas.geojson", [make_area()], **changes)
    with pytest.raises(Invalid, match=reason) as refusal:
        read(path, pune)
    assert refusal.value.pointer == pointer
    assert "feature 1" in refusal.value.reason


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (shapely.box(18.50, 73.80, 18.51, 73.81), "swapped"),
        (shapely.box(77.1, 28.5, 77.2, 28.6), "outside the city"),
        (shapely.Polygon([(73.8, 18.5), (73.82, 18.52), (73.82, 18.5), (73.8, 18.52)]), "cannot be repaired"),
        (shapely.Point(73.8, 18.5), "is a Point"),
        (TANK.buffer(0.001, quad_segs=6000), "more than 20000 corners"),
    ],
)
def test_a_shape_that_is_no_area_is_refused(shape: shapely.Polygon, reason: str, pune: City, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=reason):
        read(write_areas(tmp_path / "areas.geojson", [make_area(shape=shape)]), pune)


def test_a_code_may_be_there_once(pune: City, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="twice"):
        read(write_areas(tmp_path / "areas.geojson", [make_area(), make_area()]), pune)


def test_the_sample_says_what_it_is_and_is_not_taken_by_chance(pune: City) -> None:
    with pytest.raises(Invalid, match="illustrative"):
        read(SAMPLE, pune)
    found = read(SAMPLE, pune, illustrative=True)
    assert {area.code for area in found} == {"parvati-hlr", "sndt", "chandni-chowk", "bhama-askhed", "wadgaon", "warje"}
    assert all(area.illustrative and "by hand" in area.source for area in found)
    for area in found:
        assert all(unicodedata.is_normalized("NFC", name) for name in area.names.values())
        assert area.kind in KINDS
    assert "Not real" in json.loads(SAMPLE.read_text(encoding="utf-8"))["note"]
