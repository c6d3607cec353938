"""A city.toml with one entry that cannot be: refused by name before anything is done by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoalert.errors import Invalid
from geoalert.wards import load_city
from tests.second_city import CITY, folder_of, make_city

WRONG = [
    ('key = "lakeside"', 'key = "pune"', "key is 'pune'; it must be the folder's name"),
    ("epsg = 32632", "epsg = 4326", "epsg 4326 must be the number of a grid in metres"),
    ("epsg = 32632", "epsg = 999999", "epsg 999999 must be the number of a grid"),
    ("epsg = 32632", 'epsg = "32632"', "epsg '32632' must be the number"),
    ("epsg = 32632", "epsg = 32643", "epsg 32643 is the grid of another place"),
    ("Europe/Berlin", "Europe/Nowhere", "timezone 'Europe/Nowhere' is not known"),
    ("Europe/Berlin", "../../etc/passwd", "timezone '../../etc/passwd' is not known"),
    ("[9.9, 49.9, 10.2, 50.2]", "[10.2, 50.2, 9.9, 49.9]", "bbox must be west, south, east, north"),
    ("[9.9, 49.9, 10.2, 50.2]", "[9.9, nan, 10.2, 50.2]", "bbox must be west, south, east, north"),
    ("valid_from = 2021-06-30", 'valid_from = "2021-06-30"', "epoch.valid_from must be a day, without quotes"),
    ("valid_from = 2021-06-30", "valid_from = 2021-06-30T00:00:00", "epoch.valid_from must be a day"),
    ('label = "2021"', "label = 2021", "epoch.label must be text"),
    ('label = "2021"', 'label = "../../2021"', "epoch.label must be a few letters"),
    ('en = "Lakeside"', "en = 5", "name.en must be text"),
    ('note = "made up for tests"', "note = 5", "note must be text"),
    ('code = "NO"', "code = 7", "import.columns.code must be text"),
    ("[import]", "[import]\ndecimals = 1", "import.decimals must be 4 to 12"),
    ("[import]", "[import]\ngap_width_m = -5", "import.gap_width_m must be 0 to 50"),
    ("[import]", "[import]\ngap_width_m = nan", "import.gap_width_m must be 0 to 50"),
    (
        "in_force = []",
        'in_force = [{ from = "2021-06-30", zones = 1, offices = 2, units = 6, area_km2 = 19 }]',
        "expected.in_force 1 must be a day",
    ),
    (
        "in_force = []",
        "in_force = [{ from = 2021-06-30, zones = 1, offices = 2, units = 6, area_km2 = 0 }]",
        "an area above 0",
    ),
    (
        "in_force = []",
        'in_force = [{ from = 2021-06-30, zones = "1", offices = 2, units = 6, area_km2 = 19 }]',
        "whole numbers of wards",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "reason"), WRONG)
def test_an_entry_that_cannot_be_is_named(tmp_path: Path, right: str, wrong: str, reason: str) -> None:
    folder = folder_of(make_city(tmp_path))
    assert load_city(folder).config.key == "lakeside"
    assert right in CITY
    (folder / "city.toml").write_text(CITY.replace(right, wrong), encoding="utf-8")
    with pytest.raises(Invalid) as refusal:
        load_city(folder)
    assert reason in refusal.value.reason
    assert "city.toml of lakeside" in refusal.value.reason
