"""`geoalert locate` and `geoalert wards show|map`, as a person types them."""

from __future__ import annotations

import csv
import json
import os
import threading
from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.command_line import Command


def test_a_point_in_the_south_or_west_is_a_point(geoalert: Command) -> None:
    answer = geoalert("locate", "-10", "73.8")
    assert (answer.returncode, answer.stdout.splitlines()[0]) == (0, "outside the city")
    answer = geoalert("locate", "--json", "-33.9", "-70.5")
    assert json.loads(answer.stdout)["lon"] == -70.5


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["73.8077", "18.5074"], 1, "look swapped"),
        (["-inf", "73.8"], 1, "latitude must be a number"),
        (["nan", "73.8"], 1, "latitude must be a number"),
        (["--atlantis", "73.8"], 2, "no such option: --atlantis"),
        (["-q", "73.8"], 2, "no such option: -q"),
        (["18.5"], 2, "give LAT and LON"),
        (["18.5", "73.8", "--out", "x.csv"], 2, "--out goes with --csv"),
        (["18.5", "73.8", "--csv", "x.csv"], 2, "not both"),
        (["--csv", "x.csv", "--json"], 2, "needs --out"),
        (["--csv", "x.csv"], 1, "no such file"),
    ],
)
def test_what_cannot_be_answered_is_refused(geoalert: Command, words: list[str], code: int, said: str) -> None:
    answer = geoalert("locate", *words)
    assert answer.returncode == code, answer.stderr
    assert said in answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr


def test_outside_names_the_nearest_for_information_only(geoalert: Command) -> None:
    camp = geoalert("locate", "18.5146", "73.8788").stdout
    assert camp.startswith("outside the city\nthe nearest office, for information only: Dhole Patil Road, 459 m away\n")
    assert "uncertain" not in camp
    london = geoalert("locate", "51.5", "0").stdout
    assert "Aundh-Baner, 7292363 m away" in london  # by the geodesic
    beside = geoalert("locate", "18.5209", "73.8788").stdout
    assert beside.startswith("outside the city\n")
    assert "\nuncertain: another office is 15 m away\n" in beside


@pytest.mark.parametrize(
    "words", [["locate", "18.5", "73.8"], ["wards", "list"], ["wards", "map", "map.png"], ["locate", "--csv", "in.csv"]]
)
def test_a_day_before_the_first_is_refused(geoalert: Command, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "in.csv").write_text("lat,lon\n18.5,73.8\n", encoding="utf-8")
    answer = geoalert(*words, "--at", "2021-06-29")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "refused: at: no boundaries are held for 2021-06-29; the first are of 2021-06-30\n" in answer.stderr
    assert not (tmp_path / "map.png").exists()


def test_a_level_that_is_none_is_refused(geoalert: Command) -> None:
    answer = geoalert("wards", "list", "--level", "ward")
    assert (answer.returncode, answer.stderr) == (1, "refused: level: one of zone, office, unit\n")


def test_a_file_of_points(geoalert: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("name,lat,lon\nघर,18.507412,73.8077\nसागर,73.8,18.5\n", encoding="utf-8")
    answer = geoalert("locate", "--csv", "in.csv", "--out", "out.csv", "--json")
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert (said["rows"], said["inside"], said["refused"]) == (2, 1, 1)
    assert "line 3: lat: latitude and longitude look swapped" in answer.stderr
    assert "18.5" not in answer.stderr
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["ward_office_code"]) for row in rows] == [("घर", "kothrud-bavdhan"), ("सागर", "")]
    piped = geoalert("locate", "--csv", "in.csv")
    assert piped.stdout == (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert "offices as of 2021" in piped.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("in.csv", "this is the file that is read; name another"),
        ("link.csv", "this is the file that is read; name another"),
        (".", "this is a folder; name a file"),
        ("", "this is a folder; name a file"),
        ("none/out.csv", "there is no such folder"),
    ],
)
def test_where_rows_cannot_go_is_refused_first(geoalert: Command, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "in.csv").write_text("lat,lon\n18.507412,73.8077\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to("in.csv")
    answer = geoalert("locate", "--csv", "in.csv", "--out", name)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert f"refused: out: {words}\n" in answer.stderr
    assert (tmp_path / "in.csv").read_text(encoding="utf-8") == "lat,lon\n18.507412,73.8077\n"


def test_rows_go_into_a_pipe_and_through_a_link_and_spare_other_files(geoalert: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("lat,lon\n18.507412,73.8077\n", encoding="utf-8")
    (tmp_path / "real.csv").write_text("old", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to("real.csv")
    (tmp_path / "link.csv.part").write_text("mine", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    rows: list[str] = []
    reader = threading.Thread(target=lambda: rows.append((tmp_path / "pipe").read_text(encoding="utf-8")), daemon=True)
    reader.start()
    for name in ("link.csv", "pipe"):
        answer = geoalert("locate", "--csv", "in.csv", "--out", name)
        assert answer.returncode == 0, answer.stderr
    reader.join(10)
    assert rows == [(tmp_path / "real.csv").read_text(encoding="utf-8")]
    assert "kothrud-bavdhan" in rows[0]
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "link.csv.part").read_text(encoding="utf-8") == "mine"
    assert len(list(tmp_path.iterdir())) == 5


def test_a_file_of_another_encoding_leaves_nothing_behind(geoalert: Command, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("name,lat,lon\nCafé,18.5,73.8\n".encode("cp1252"))
    answer = geoalert("locate", "--csv", "in.csv", "--out", "out.csv")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "line 2 is not UTF-8 (Windows-1252, perhaps)" in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    (tmp_path / "in.csv").write_text("lat,lon\nx,y\n", encoding="utf-8")
    assert "no row holds a point" in geoalert("locate", "--csv", "in.csv").stderr


@pytest.mark.requirement("S002-15")
def test_show_says_whom_to_call_and_what_is_unverified(geoalert: Command) -> None:
    said = geoalert("wards", "show", "2017-P12").stdout
    assert "call 1800-103-0222, the city's helpline" in said
    assert "unverified (2015 listing), listed number 020-25501600" in said
    assert "offices as of 2021" in said
    facts = json.loads(geoalert("wards", "show", "kothrud-bavdhan", "--json").stdout)
    assert facts["offices"][0]["call"]["whose"] == "city"
    assert geoalert("wards", "show", "atlantis").returncode == 1


def test_a_map_in_marathi(geoalert: Command, tmp_path: Path) -> None:
    answer = geoalert("wards", "map", "--highlight", "2017-P14", "--language", "mr", "map.png")
    assert (answer.returncode, answer.stderr) == (0, "wrote map.png\n")
    assert imread(tmp_path / "map.png").shape[1] == 1600
    refused = geoalert("wards", "map", "--language", "ta", "map.png")
    assert (refused.returncode, refused.stderr) == (1, "refused: language: one of en, mr, hi\n")
