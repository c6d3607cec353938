"""Files that are refused before any of their lines is looked at."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from geoalert.errors import Invalid
from geoalert.wards import layer_guard
from tests.integration.epochs.second_epochs import read_sound
from tests.second_city import features, write_layer


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, city: Path) -> None:
    path = tmp_path / "a.geojson"
    with path.open("wb") as file:
        file.truncate(layer_guard.LIMIT + 1)
    with pytest.raises(Invalid, match="at most 100"):
        read_sound(path, city)


def test_a_zip_bomb_is_stopped_while_it_unpacks(tmp_path: Path, city: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.geojson", "w") as out:
        for _ in range(120):
            out.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(Invalid, match="unpacks to more than 100 MB"):
        read_sound(path, city)


def test_a_zip_of_many_files_or_two_layers_is_refused(tmp_path: Path, city: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(layer_guard.MEMBERS + 1):
            archive.writestr(f"{number}.txt", "")
    with pytest.raises(Invalid, match="holds 65 files"):
        read_sound(path, city)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.geojson", "{}")
        archive.writestr("b.geojson", "{}")
    with pytest.raises(Invalid, match="holds 2 layers"):
        read_sound(path, city)
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(Invalid, match="cannot be unpacked"):
        read_sound(path, city)


def test_a_zip_writes_nowhere_but_in_its_own_folder(tmp_path: Path, city: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(write_layer(tmp_path / "plain.geojson", features()), "../../outside.geojson")
    assert read_sound(path, city).tree.wards
    assert not list(tmp_path.parent.glob("outside.geojson"))


def test_a_pipeline_reads_no_other_file(tmp_path: Path, city: Path) -> None:
    """GDAL takes such a file for a recipe and opens whatever it names."""
    other = write_layer(tmp_path / "other.geojson", features())
    recipe = f"gdal vector pipeline ! read {other} ! edit --crs EPSG:4326"
    recipes: list[dict[str, object]] = [{}, {"features": []}]
    for facts in recipes:
        for kind in ("gdal_streamed_alg", "FeatureCollection"):
            document = {"type": kind, "also": {"type": "gdal_streamed_alg"}, "command_line": recipe} | facts
            path = tmp_path / "a.geojson"
            path.write_text(json.dumps(document), encoding="utf-8")
            with pytest.raises(Invalid, match="is not GeoJSON features"):
                read_sound(path, city)


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path, city: Path) -> None:
    path = tmp_path / "a.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE a (geometry BLOB)")
    with pytest.raises(Invalid, match=r"a\.gpkg"):
        read_sound(path, city)


KML = '<?xml version="1.0"?>{}<kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.kml", KML.format('\n<!DOCTYPE kml [<!ENTITY a "b">]>').encode(), "line 2 declares DOCTYPE"),
        ("a.kml", KML.format("").encode("utf-16"), "not UTF-8"),
        ("a.kml", b'<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>', "not KML"),
        ("a.geojson", b"<OGRVRTDataSource/>", "not GeoJSON"),
        ("a.geojson", b"{", "can be read"),
        (
            "a.geojson",
            b'{"type": "gdal_streamed_alg", "command_line": "gdal vector info"}',
            "type is 'gdal_streamed_alg'",
        ),
        ("a.geojson", b'{"type": "Topology", "objects": {}}', "type is 'Topology'"),
        ("a.geojson", b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        ("a.gpkg", b"hello", "not a GeoPackage"),
        ("a.shp", b"hello", "not a Shapefile"),
        ("a.csv", "code,name\n1,Pe\u00f1a\n".encode("cp1252"), r"line 2 is not UTF-8 \(byte 0xf1\).*Windows-1252"),
        ("a.csv", b"code,name\n1,x\n", "no lines on a map"),
        ("a.tif", b"II", "no kind that is read"),
    ],
)
def test_a_trap_or_another_kind_is_refused(tmp_path: Path, city: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid, match=words):
        read_sound(tmp_path / name, city)
