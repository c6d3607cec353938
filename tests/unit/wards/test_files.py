"""What a folder may hold, and what is said when it does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from geoalert.errors import Invalid
from geoalert.wards import City, load_city
from geoalert.wards.config_file import read_config
from geoalert.wards.geojson import read_text, write_text
from geoalert.wards.naming import read_names
from tests.pune import PUNE


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PUNE, tmp_path / "pune"))


def test_what_is_written_is_read_back(pune: City) -> None:
    text = write_text(pune.tree.wards, {"epoch": "2021"})
    assert tuple(read_text(text, "wards.geojson")) == pune.tree.wards
    # One feature a line, so that a difference can be read.
    assert text.count("\n") == len(pune.tree.wards) + 2


@pytest.mark.parametrize("name", ["city.toml", "units.geojson"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(Invalid, match=name):
        load_city(copy)


@pytest.mark.parametrize("name", ["city.toml", "units.geojson"])
def test_bytes_that_are_not_text_are_refused(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid):
        load_city(copy)


def _drop(*keys: str) -> Callable[[dict[str, dict[str, object]]], None]:
    def change(feature: dict[str, dict[str, object]]) -> None:
        for key in keys:
            feature["properties"].pop(key)

    return change


@pytest.mark.parametrize(
    "change",
    [
        _drop("code"),
        lambda feature: feature["properties"].update(level="borough"),
        lambda feature: feature["properties"].update(valid_from="yesterday"),
        lambda feature: feature["properties"].update(valid_from=20210630),
        lambda feature: feature["geometry"].update(type="Point", coordinates=[73.8, 18.5]),
        lambda feature: feature["geometry"].update(type="Blob"),
        lambda feature: feature.update(geometry=None),
    ],
)
def test_a_wrong_feature_is_pointed_at(copy: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = copy / "units.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document["features"][3])
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(Invalid) as refusal:
        load_city(copy)
    assert refusal.value.pointer.startswith("/features/3")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("timezone", "tz", "timezone"),
        ("bbox = [", "bbox = ['west', ", "wrong kind"),
        ("key =", "key ==", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(copy: Path, old: str, new: str, word: str) -> None:
    path = copy / "city.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Invalid, match=word):
        read_config(copy)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("Z2,zone", "Z1,zone", "already taken"),
        ("Z2,zone", "Z2,borough", "level"),
        ("परिमंडल २", "", "name_hi is empty"),
        ("code,level", "id,level", "columns"),
    ],
)
def test_a_wrong_name_row_is_named_with_its_line(copy: Path, old: str, new: str, word: str) -> None:
    path = copy / "names.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Invalid, match=word):
        read_names(copy)
