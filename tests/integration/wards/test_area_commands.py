"""`geoalert wards areas` and `geoalert wards resolve`, as a person types them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.command_line import Command
from tests.pune import PUNE
from tests.service_areas import make_area, write_areas

SAMPLE = PUNE / "areas.sample.geojson"


def test_areas_are_imported_listed_and_counted(geoalert: Command, tmp_path: Path) -> None:
    assert geoalert("db", "upgrade")[0] == 0
    assert geoalert("wards", "areas", "list") == (0, "no service areas are held\n", "")
    path = write_areas(tmp_path / "areas.geojson", [make_area()])
    code, out, _ = geoalert("wards", "areas", "import", path)
    assert (code, out.splitlines()[0]) == (0, "new: test-tank")
    code, out, _ = geoalert("wards", "areas", "import", path, "--json")
    assert json.loads(out)["same"] == ["test-tank"]
    code, out, _ = geoalert("wards", "areas", "list", "--json")
    assert [(area["code"], area["version"]) for area in json.loads(out)] == [("test-tank", 1)]
    code, out, _ = geoalert("wards", "areas", "list", "--versions")
    assert "चाचणी टाकी परिसर" in out
    code, out, err = geoalert("audience", "preview", "--service-area", "test-tank", "--json")
    assert (code, json.loads(out)["people"]) == (0, 0), err
    code, _, err = geoalert("audience", "preview", "--service-area", "nowhere")
    assert (code, "area/areas/0: no service area 'nowhere'" in err) == (1, True)


def test_the_sample_needs_a_word_and_is_for_drills(geoalert: Command) -> None:
    assert geoalert("db", "upgrade")[0] == 0
    code, _, err = geoalert("wards", "areas", "import", SAMPLE)
    assert (code, "--illustrative" in err) == (1, True)
    assert geoalert("wards", "areas", "list", "--json")[1] == "[]\n"
    code, _, err = geoalert("wards", "areas", "import", SAMPLE, "--illustrative")
    assert (code, "refused outside drills" in err) == (0, True)
    code, _, err = geoalert("audience", "preview", "--service-area", "sndt")
    assert (code, "only a drill may aim at it" in err) == (1, True)
    assert geoalert("audience", "preview", "--service-area", "sndt", "--drill")[0] == 0


def test_a_list_without_questions_is_done_and_one_with_them_is_not(geoalert: Command, tmp_path: Path) -> None:
    code, out, err = geoalert("wards", "resolve", "Dhayari, नऱ्हे व परिसर")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Dhayari: Dhayari (V-dhayari, sinhagad-road, 100)",
        "नऱ्हे: नऱ्हे (V-narhe, sinhagad-road, 100)",
    ]

    notice = tmp_path / "notice.txt"
    notice.write_text("Dhayari\nKondhwa\nFursungi", encoding="utf-8")
    code, out, err = geoalert("wards", "resolve", "--file", notice, "--json")
    assert (code, "2 names are questions" in err) == (1, True)
    found = json.loads(out)
    assert [match["unit_code"] for match in found["matched"]] == ["V-dhayari"]
    assert [question["reason"] for question in found["questions"]] == ["unknown", "outside"]
    code, out, _ = geoalert("wards", "resolve", "--file", notice)
    assert (code, "Kondhwa: unknown, perhaps Kondhwa Khurd" in out) == (1, True)
    assert geoalert("wards", "resolve", "Fursungi", "--at", "2024-09-10")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "give the text or --file"),
        (["Sus", "--file", "x.txt"], 2, "one of the two"),
        (["--file", "x.txt"], 1, "No such file"),
        (["--file", "latin.txt"], 1, "latin.txt is not UTF-8"),
        (["१, २"], 1, "there is no name"),
    ],
)
def test_what_is_no_list_is_refused(geoalert: Command, words: list[str], code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Kothrud é".encode("latin-1"))
    answer = geoalert("wards", "resolve", *words)
    assert (answer[0], said in answer[2]) == (code, True), answer


@pytest.mark.parametrize("terminal", ["utf-8", "ascii", "cp1252"])
def test_a_piped_list_is_utf_8_whatever_the_terminal_is(
    geoalert: Command, monkeypatch: pytest.MonkeyPatch, terminal: str
) -> None:
    def pipe(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), terminal, "surrogateescape"))

    pipe("\ufeffधायरी".encode())
    assert geoalert("wards", "resolve", "-") == (0, "धायरी: धायरी (V-dhayari, sinhagad-road, 100)\n", "")
    pipe("Dhayari, Café".encode("cp1252"))
    assert geoalert("wards", "resolve", "-") == (1, "", "refused: standard input is not UTF-8\n")
