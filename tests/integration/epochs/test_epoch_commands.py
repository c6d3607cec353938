"""`geoalert wards import|diff|epochs|check` and `locate --at`, as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Command
from tests.pune import PUNE
from tests.second_city import FAR, KEY, OFFICES_SECOND, SECOND, features, make_city, write_layer


@pytest.fixture
def geoalert(geoalert: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """In a city that is there by data alone."""
    monkeypatch.setenv("GEOALERT_CITY_DATA", str(make_city(tmp_path / "data")))
    monkeypatch.setenv("GEOALERT_CITY_KEY", KEY)
    return geoalert


def _json(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer[2]
    return json.loads(answer[1])


def test_a_city_from_two_files_of_data(geoalert: Command, tmp_path: Path) -> None:
    first = write_layer(tmp_path / "first.geojson", features())
    second = write_layer(tmp_path / "second.geojson", features(SECOND, OFFICES_SECOND))
    code, _, err = geoalert("wards", "check", KEY)
    assert (code, "no boundaries of lakeside are held" in err) == (1, True)
    assert geoalert("db", "upgrade")[0] == 0
    made = _json(geoalert("wards", "import", first, "--city", KEY, "--json"))
    assert (made["epoch"], made["wards"], made["closed"]) == ("2021", {"zone": 1, "office": 2, "unit": 6}, 0)
    made = _json(
        geoalert("wards", "import", second, "--epoch", "2026", "--valid-from", "2026-02-26", "--note", "new", "--json")
    )
    assert (made["valid_from"], made["closed"], len(made["sha256"])) == ("2026-02-26", 9, 64)

    for day, office, note in (("2026-02-25", "east", "made up for tests"), ("2026-02-26", "far", "new")):
        told = _json(geoalert("locate", FAR[1], FAR[0], "--at", day, "--json"))
        assert (told["office_code"], told["note"]) == (office, note)
    held = _json(geoalert("wards", "epochs", "--json"))
    assert [(row["epoch"], row["valid_to"]) for row in held] == [("2021", "2026-02-26"), ("2026", None)]

    found = _json(geoalert("wards", "diff", "2021", "2026", "--json"))
    assert [change["fate"] for change in found["offices"]] == ["split", "renamed"]
    code, out, _ = geoalert("wards", "diff", "2021", "2026")
    assert code == 0
    assert "split" in out
    assert "0 people change office" in out

    for epoch in ("2021", "2026"):
        code, out, err = geoalert("wards", "check", KEY, "--epoch", epoch, "--map", tmp_path / f"{epoch}.png")
        assert code == 0, out + err
        assert (tmp_path / f"{epoch}.png").stat().st_size > 10_000


def test_a_refused_file_changes_nothing(geoalert: Command, tmp_path: Path) -> None:
    assert geoalert("db", "upgrade")[0] == 0
    bad = write_layer(
        tmp_path / "bad.geojson", features(), lambda layer: layer["features"][5]["properties"].update(NO=1)
    )
    code, out, err = geoalert("wards", "import", bad)
    assert (code, out) == (1, "")
    assert err == "refused: bad.geojson feature 6 (1) has the code 2021-Q01, and so has bad.geojson feature 1 (1)\n"
    assert _json(geoalert("wards", "epochs", "--json")) == []
    code, _, err = geoalert("wards", "diff", "2021", "2026")
    assert (code, err) == (1, "refused: no epoch '2021' is held; there is none\n")


def test_a_wrong_epoch_is_taken_back(geoalert: Command, tmp_path: Path) -> None:
    first = write_layer(tmp_path / "first.geojson", features())
    second = write_layer(tmp_path / "second.geojson", features(SECOND, OFFICES_SECOND))
    assert geoalert("db", "upgrade")[0] == 0
    assert geoalert("wards", "import", first)[0] == 0
    assert geoalert("wards", "import", second, "--epoch", "2026", "--valid-from", "2999-01-01")[0] == 0
    gone = _json(geoalert("wards", "withdraw", "2026", "--city", KEY, "--json"))
    assert gone == {"city": KEY, "epoch": "2026", "valid_from": "2999-01-01", "opened": 9}
    held = _json(geoalert("wards", "epochs", "--json"))
    assert [(row["epoch"], row["valid_to"]) for row in held] == [("2021", None)]
    assert _json(geoalert("locate", FAR[1], FAR[0], "--at", "2999-01-02", "--json"))["office_code"] == "east"
    assert geoalert("audit", "verify")[0] == 0
    code, out, err = geoalert("wards", "withdraw", "2021")
    assert (code, out) == (1, "")
    assert err.startswith("refused: the epoch 2021 holds since 2021-06-30")


def test_a_name_with_brackets_is_shown_as_it_is(
    geoalert: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table takes no word of a file for its own markup."""
    monkeypatch.setenv("GEOALERT_CITY_KEY", "pune")
    folder = make_city(tmp_path / "other") / "ward_boundaries" / "pune"
    shutil.copytree(PUNE, folder)
    monkeypatch.setenv("GEOALERT_CITY_DATA", str(tmp_path / "other"))
    text = (folder / "units.geojson").read_text(encoding="utf-8")
    assert text.count('"aliases": []') > 1
    (folder / "units.geojson").write_text(text.replace('"aliases": []', '"aliases": ["[/b]"]'), encoding="utf-8")
    code, out, err = geoalert("wards", "check", "pune")
    assert (code, "faults in pune" in err) == (1, True), err
    assert "[/b]" in out


def test_the_product_of_pune_is_whole(geoalert: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GEOALERT_CITY_DATA")
    code, out, _ = geoalert("wards", "check", "pune", "--map", tmp_path / "faults.png")
    assert code == 0
    assert "5 zones, 15 offices, 73 units" in out
    assert (tmp_path / "faults.png").exists()
