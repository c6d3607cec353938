"""Importing a layer of any city: what is repaired, what is refused and in which words. No store is needed for it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import shape

from geoalert.errors import Invalid
from geoalert.wards.imported import read_epoch
from tests.integration.epochs.second_epochs import read_sound
from tests.second_city import features, write_layer

Change = Callable[[dict[str, Any]], object]


def _write(path: Path, crs: str | None = "EPSG:4326", move: Callable[[Any], Any] | None = None) -> Path:
    """The layer through OGR, in the format of the name."""
    layer = features()
    shapes = np.array([shape(item["geometry"]) for item in layer["features"]], dtype=object)
    moved = shapes if move is None else shapely.transform(shapes, move)
    names = list(layer["features"][0]["properties"])
    columns = [np.array([item["properties"][name] for item in layer["features"]], dtype=object) for name in names]
    columns[0] = columns[0].astype(np.int64)
    said = pytest.warns(match="crs") if crs is None else nullcontext()
    driver = "KML" if path.suffix == ".kml" else None
    with said:
        pyogrio.raw.write(
            path,
            shapely.to_wkb(moved),
            columns,
            names,
            driver=driver,
            geometry_type="Polygon",
            crs=crs,
            encoding="UTF-8",
        )
    return path


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.kml", "a.zip", "a.kmz"])
def test_every_format_gives_the_same_tree(tmp_path: Path, city: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.zip":
        (tmp_path / "parts").mkdir()
        _write(tmp_path / "parts" / "a.shp")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in (tmp_path / "parts").iterdir():
                archive.write(part, f"folder/{part.name}")
    elif name == "a.kmz":
        _write(tmp_path / "doc.kml")
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "doc.kml", "doc.kml")
    else:
        _write(path)
    plain = read_sound(write_layer(tmp_path / "plain.geojson", features()), city)
    found = read_sound(path, city)
    assert found.tree == plain.tree
    assert len(found.tree.units(found.epoch.valid_from)) == 6
    assert {unit.code for unit in found.tree.units(found.epoch.valid_from)} == {f"2021-Q{n:02}" for n in range(1, 7)}
    assert found.tree.epochs[0].note == "made up for tests"


def _ring(layer: dict[str, Any], number: int = 0) -> list[Any]:
    ring: list[Any] = layer["features"][number]["geometry"]["coordinates"][0]
    return ring


def _bow_tie(layer: dict[str, Any]) -> None:
    ring = _ring(layer)
    ring[1], ring[2] = ring[2], ring[1]


def _spike(layer: dict[str, Any]) -> None:
    """A line out and back that holds no ground."""
    ring = _ring(layer)
    ring[1:1] = [[9.99, 50.0], ring[0]]


REPAIRED: dict[str, tuple[Change, str, int]] = {
    "unclosed": (lambda layer: _ring(layer).pop(), "rings closed", 1),
    "repeated": (lambda layer: _ring(layer).insert(1, _ring(layer)[0]), "repeated vertices removed", 1),
    "3D": (lambda layer: [point.append(560.0) for point in _ring(layer)], "third dimension dropped", 1),
    "turned": (lambda layer: _ring(layer).reverse(), "rings turned", 1),
    "spike": (_spike, "crossings without ground undone", 1),
    "hairline": (lambda layer: _ring(layer)[0].__setitem__(0, 10.020001), "hairline overlaps closed", 1),
    "sliver": (
        lambda layer: layer["features"][0].update(
            geometry={
                "type": "MultiPolygon",
                "coordinates": [
                    layer["features"][0]["geometry"]["coordinates"],
                    [[[9.95, 50.0], [9.950001, 50.0], [9.950001, 50.000001], [9.95, 50.0]]],
                ],
            }
        ),
        "slivers dropped",
        1,
    ),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_what_moves_no_ground_is_repaired_and_said(tmp_path: Path, city: Path, name: str) -> None:
    change, words, count = REPAIRED[name]
    plain = read_sound(write_layer(tmp_path / "plain.geojson", features()), city)
    found = read_sound(write_layer(tmp_path / "a.geojson", features(), change), city)
    assert plain.repairs == {}
    assert found.repairs[words] == count
    for before, after in zip(plain.tree.wards, found.tree.wards, strict=True):
        assert before.geometry.symmetric_difference(after.geometry).area < 1e-7


def _geometry(**facts: object) -> Change:
    return lambda layer: layer["features"][2].update(geometry=facts or None)


def _overlap(layer: dict[str, Any]) -> None:
    for point in _ring(layer, 2):
        point[0] -= 0.001


def _swap(layer: dict[str, Any]) -> None:
    for feature in layer["features"]:
        for point in feature["geometry"]["coordinates"][0]:
            point.reverse()


def _metres(layer: dict[str, Any]) -> None:
    for point in _ring(layer, 2):
        point[0], point[1] = 571_666.4, 5_539_109.8


def _facts(**facts: object) -> Change:
    return lambda layer: layer["features"][0]["properties"].update(facts)


def _slit(layer: dict[str, Any]) -> None:
    """Ten metres between the first column and the second, open to the outside."""
    for number in (2, 3):
        for point in _ring(layer, number):
            point[0] = max(point[0], 10.02014)


REFUSED: dict[str, tuple[Change, str]] = {
    "no geometry": (_geometry(), r"feature 3 \(3\) has no geometry"),
    "empty": (_geometry(type="Polygon", coordinates=[]), r"feature 3 \(3\) has no geometry"),
    "mixed": (_geometry(type="Point", coordinates=[10.03, 50.01]), r"feature 3 \(3\) is a Point at 10.03000 50.01000"),
    "swapped": (_swap, r"feature 1 \(1\) at .* latitude and longitude are swapped"),
    "metres": (_metres, r"feature 3 \(3\) lies at 571666 5539110: not degrees"),
    "elsewhere": (
        lambda layer: [point.__setitem__(1, point[1] + 5) for point in _ring(layer, 2)],
        r"feature 3 \(3\) at 10.04000 55.00000 lies outside the city's box",
    ),
    "antimeridian": (
        lambda layer: [
            point.__setitem__(0, x) for point, x in zip(_ring(layer, 2), (179, 179, -179, -179, 179), strict=True)
        ],
        r"feature 3 \(3\) .* crosses the antimeridian",
    ),
    "crossing": (_bow_tie, r"feature 1 \(1\) cannot be repaired .*Self-intersection\[10.01 50.01\]"),
    "duplicate": (lambda layer: layer["features"][2]["properties"].update(NO=1), "2021-Q01, and so has .*feature 1"),
    "no code": (lambda layer: layer["features"][2]["properties"].pop("NO"), "feature 3 has no code"),
    "no name": (lambda layer: layer["features"][2]["properties"].pop("NAME_MR"), r"feature 3 \(3\) has no name_mr"),
    "office": (lambda layer: layer["features"][2]["properties"].update(OFFICE="North"), "the office 'North'"),
    "two zones": (lambda layer: layer["features"][0]["properties"].update(CIRCLE="C2"), "the zone 'C2'"),
    "overlap": (_overlap, "2021-Q01 and 2021-Q03 both cover .* m2 near"),
    "nothing": (lambda layer: layer["features"].clear(), "holds no"),
    "NaN": (
        lambda layer: _ring(layer)[1].__setitem__(0, float("nan")),
        "a.geojson is not GeoJSON: NaN is not a number",
    ),
    "slit": (_slit, r"1 faults: gap: 2021-Q01 2021-Q02 2021-Q03 2021-Q04 \d+\.\d\d m2 at 10.02"),
    "no system": (lambda layer: layer.update(crs=None), "does not say a coordinate reference system that is known"),
    "unknown system": (
        lambda layer: layer.update(crs={"type": "name", "properties": {"name": "EPSG:999999"}}),
        "does not say a coordinate reference system that is known",
    ),
    "code": (_facts(NO="a;b|c"), r"feature 1 \(a;b\|c\): the code '2021-Qa;b\|c' may hold letters, digits"),
    "long code": (_facts(NO="x" * 61), r"feature 1 \(x+\): code has more than 60 characters"),
    "long name": (_facts(NAME="Alder " * 30), r"feature 1 \(1\): name_en has more than 120 characters"),
    "long kind": (_facts(kind="k" * 31), r"feature 1 \(1\): kind has more than 30 characters"),
    "control": (_facts(NAME="Al\x1b[31mder"), "name_en holds a character that cannot be shown"),
    "NUL": (_facts(NAME="Al\x00der"), "a text with a NUL"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_move_ground_is_refused_by_feature_and_place(tmp_path: Path, city: Path, name: str) -> None:
    change, words = REFUSED[name]
    path = write_layer(tmp_path / "a.geojson", features(), change)
    with pytest.raises(Invalid, match=words):
        read_sound(path, city)


def test_a_hole_nobody_knows_of_is_a_fault(tmp_path: Path, city: Path) -> None:
    hole = [[10.025, 50.005], [10.025, 50.01], [10.03, 50.01], [10.025, 50.005]]
    path = write_layer(
        tmp_path / "a.geojson", features(), lambda layer: layer["features"][2]["geometry"]["coordinates"].append(hole)
    )
    with pytest.raises(Invalid, match=r"1 faults: gap: 2021-Q03 .* m2 at 10.02"):
        read_sound(path, city)


def test_a_layer_without_a_reference_system_is_refused(tmp_path: Path, city: Path) -> None:
    path = _write(tmp_path / "a.shp", crs=None, move=lambda points: points * 1e5)
    with pytest.raises(Invalid, match=r"does not say its coordinate reference system.*\.prj"):
        read_sound(path, city)


def test_metres_that_call_themselves_degrees_are_refused(tmp_path: Path, city: Path) -> None:
    path = _write(tmp_path / "a.gpkg", move=lambda points: points * 1e5)
    with pytest.raises(Invalid, match=r"feature 1 \(1\) lies at .*not degrees"):
        read_sound(path, city)


def test_the_wrong_grid_is_seen_by_where_it_leads(tmp_path: Path, city: Path) -> None:
    path = _write(tmp_path / "a.gpkg", crs="EPSG:32643", move=lambda points: points * [5e4, 1e5])
    with pytest.raises(Invalid, match="outside the city's box; is its coordinate system"):
        read_sound(path, city)


def test_a_corner_that_is_no_number_is_refused_in_any_format(tmp_path: Path, city: Path) -> None:
    """Repairs would pass over it, and half the unit would be gone."""

    def spoil(points: Any) -> Any:
        return np.where(np.arange(len(points))[:, None] == 1, np.nan, points)

    with pytest.raises(Invalid, match=r"feature 1 \(1\) has a position that is not a number"):
        read_sound(_write(tmp_path / "a.gpkg", move=spoil), city)


def test_a_part_that_rounding_makes_a_point_is_refused(tmp_path: Path, city: Path) -> None:
    toml = (city / "city.toml").read_text(encoding="utf-8")
    (city / "city.toml").write_text(toml.replace("[import]", "[import]\ndecimals = 4"), encoding="utf-8")

    def speck(layer: dict[str, Any]) -> None:
        whole = layer["features"][0]["geometry"]["coordinates"]
        part = [[[9.95, 50.0], [9.95002, 50.0], [9.95002, 50.00002], [9.95, 50.0]]]
        layer["features"][0]["geometry"] = {"type": "MultiPolygon", "coordinates": [whole, part]}

    with pytest.raises(Invalid, match="rounding to 4 decimals leaves nothing of a ring"):
        read_sound(write_layer(tmp_path / "a.geojson", features(), speck), city)


def test_joiners_are_part_of_a_devanagari_name(tmp_path: Path, city: Path) -> None:
    name = "कर्\u200dहाड"
    path = write_layer(tmp_path / "a.geojson", features(), _facts(NAME_MR=name))
    assert name in {unit.name_mr for unit in read_sound(path, city).tree.wards}


def test_names_in_windows_1252_are_refused_with_their_line(tmp_path: Path, city: Path) -> None:
    path = write_layer(tmp_path / "a.geojson", features())
    (city / "names.csv").write_bytes("code,level\nx,Pe\u00f1a\n".encode("cp1252"))
    with pytest.raises(Invalid, match=r"names.csv line 2 is not UTF-8"):
        read_sound(path, city)


def test_offices_may_come_from_a_table_beside_the_layer(tmp_path: Path, city: Path) -> None:
    """A layer of numbers alone, as elections leave it."""

    def bare(layer: dict[str, Any]) -> None:
        for feature in layer["features"]:
            del feature["properties"]["OFFICE"], feature["properties"]["CIRCLE"]

    path = write_layer(tmp_path / "a.geojson", features(), bare)
    with pytest.raises(Invalid, match=r"feature 1 \(1\) says no office, and parents-2021.csv has none"):
        read_sound(path, city)
    rows = [f"2021-Q{number:02},{'west' if number < 3 else 'east'}" for number in range(1, 7)]
    (city / "parents-2021.csv").write_text("\n".join(["code,parent", *rows, "west,C1", "east,C1"]), encoding="utf-8")
    tree = read_sound(path, city).tree
    assert tree == read_sound(write_layer(tmp_path / "full.geojson", features()), city).tree


def test_an_epoch_of_its_own_needs_a_label_and_a_day(tmp_path: Path, city: Path) -> None:
    path = write_layer(tmp_path / "a.geojson", features())
    with pytest.raises(Invalid, match="from which day") as refusal:
        read_epoch([path], city, "2026")
    assert refusal.value.pointer == "/valid_from"
    with pytest.raises(Invalid, match="label"):
        read_epoch([path], city, "../2026")
