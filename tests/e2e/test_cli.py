"""The command line on an embedded store: what it does, what it refuses, and with which words and exit codes."""

from __future__ import annotations

import csv
import math
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geoalert.operations.demo_story import ALL_CLEAR, FLOOD, WATER, drawn_area
from tests.e2e.commands import PERSONAL
from tests.e2e.towns import HEADER, HERE, THERE, Town, body
from tests.e2e.warm import Shell

PNG = b"\x89PNG\r\n\x1a\n"
GOOD = (
    f"+12025550101,,,{HERE},mr,,sms,,,form",
    f",,test-token-000002,{HERE};ward:hadapsar-mundhwa,hi,,push,,22:00-06:30,form",
    f"+12025550103,,test-token-000003,{THERE},en,water-supply|flood,push|sms,,,form",
    f"+12025550104,,,{HERE},,,,,,no",
)
BAD = {
    f"12,,,{HERE},,,,,,form": "phone",
    ",,test-token-000005,,,,,,,form": "places",
    ",,test-token-000006,ward:nowhere,,,,,,form": "places",
    ",,test-token-000007,91 73.8,,,,,,form": "places",
    f",,test-token-000008,{HERE},xx,,,,,form": "language",
    f",,test-token-000009,{HERE},,weather-in-mars,,,,form": "categories",
    f",,test-token-000010,{HERE},,,,,25:00-26:00,form": "quiet_hours",
    f"+12025550101,,,{HERE},,,,,,form": "phone",
    f",,,{HERE},,,,,,form": "phone",
}


def test_the_store_is_upgraded_and_checked(empty: Shell) -> None:
    for command in (["db", "check"], ["report", "--json"], ["worker"], ["serve", "--port", "0"], ["audit", "verify"]):
        empty(*command).refused("run: geoalert db upgrade")
    for _ in range(2):
        assert empty("db", "upgrade").code == 0
    assert empty("db", "check").code == 0
    assert empty("report", "--json").document == {"balanced": True, "alerts": []}


def test_an_import_adds_the_good_rows_and_names_what_is_wrong_with_the_bad(town: Town) -> None:
    rows = [*GOOD, *BAD]
    town.file("people.csv", HEADER + "\n".join(rows) + "\n")
    ran = town.shell("subscribers", "import", "people.csv", "--refused", "refused.csv", "--json")
    assert ran.code == 0, ran.err
    found = ran.document
    assert found["added"] == len(GOOD)
    first = len(GOOD) + 2
    assert [(row["line"], row["field"]) for row in found["first"]] == list(enumerate(BAD.values(), start=first))
    assert (found["rows"], found["known"], found["refused"]) == (len(rows), 1, len(BAD) - 1)
    kept = (town.shell.folder / "refused.csv").read_text(encoding="utf-8")
    assert [(int(row["line"]), row["field"]) for row in csv.DictReader(kept.splitlines())] == [
        (row["line"], row["field"]) for row in found["first"]
    ]
    assert all(row["reason"] for row in found["first"])
    assert not PERSONAL.search(kept.encode())
    again = town.shell("subscribers", "import", "people.csv", "--json").document
    assert (again["added"], again["known"], again["refused"]) == (0, len(GOOD) + 1, len(BAD) - 1)


def test_a_file_that_is_no_import_is_refused(town: Town) -> None:
    files = {
        "latin.csv": ((HEADER + "x,,,,\xe9").encode("latin-1"), "file"),
        "columns.csv": (b"number,name\n1,2\n", "header"),
        "empty.csv": (b"", "header"),
        "missing.csv": (None, "file"),
    }
    for name, (content, field) in files.items():
        if content is not None:
            (town.shell.folder / name).write_bytes(content)
        ran = town.shell("subscribers", "import", name)
        assert ran.code == 1, name
        assert ran.lines[-1].startswith(f"refused: {field}: "), ran.err


def test_a_reminder_is_shown_until_it_is_void(town: Town) -> None:
    author = town.as_(town.author)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    drafted = author("alert", "draft", town.file("reminded.json", body(remind_at=at.isoformat())), "--json").document
    identifier, message = drafted["identifier"], drafted["messages"][0]
    assert datetime.fromisoformat(message["remind_at"]) == at
    assert f"reminder {message['remind_at']}: to come" in author("alert", "show", identifier).out
    author("alert", "submit", identifier)
    town.as_(town.approver)("alert", "approve", identifier, "--hash", message["content_hash"])
    town.as_(town.approver)("alert", "send", identifier, "--confirm-empty")
    town.as_(town.approver)("alert", "cancel", identifier, town.file("over.json", {"texts": ALL_CLEAR}))
    assert f"reminder {message['remind_at']}: void" in author("alert", "show", identifier).out
    late = body(remind_at=(at + timedelta(hours=10)).isoformat())
    assert "remind_at" in author("alert", "draft", town.file("late.json", late)).refused()


@pytest.mark.requirement("S004-11", "S002-14")
def test_the_life_of_an_alert(town: Town) -> None:
    town.settle(GOOD)
    preview = town.shell("audience", "preview", "--ward", "kothrud-bavdhan", "--json").document
    assert preview["people"] == 2  # one lives elsewhere, one gave no consent
    author, approver, machine = town.as_(town.author), town.as_(town.approver), town.as_(town.machine)

    drafted = author("alert", "draft", town.file("alert.json", body()), "--json").document
    identifier, content_hash = drafted["identifier"], drafted["messages"][0]["content_hash"]
    approval = ("alert", "approve", identifier, "--hash", content_hash)
    approver("alert", "send", identifier).refused("draft")
    assert author("alert", "submit", identifier).code == 0
    author(*approval).refused("author")
    machine(*approval).refused()
    approver(*approval[:-1], "0" * 64).refused()
    assert approver(*approval).code == 0
    sent = approver("alert", "send", identifier, "--json").document
    assert (sent["people"], sent["audience"], sent["batches"]) == (2, 2, 2)
    approver("alert", "send", identifier).refused("released")

    report = town.shell("report", identifier, "--json").document
    assert report["balanced"]
    assert {name: row["audience"] for name, row in report["messages"][0]["channels"].items()} == {"push": 1, "sms": 1}
    assert town.shell("report", "--csv").out.count("\n") == 3
    clear = town.file("clear.json", {"texts": ALL_CLEAR, "reason": "repaired early"})
    assert author("alert", "cancel", identifier, clear, "--json").document["people"] == 0  # nothing had left yet
    after = town.shell("report", identifier, "--json").document
    assert after["balanced"]
    assert after["messages"][0]["channels"]["sms"]["cancelled"] == 1
    author("alert", "cancel", identifier, clear).refused()
    listed = author("alert", "list", "--json").document
    assert [(row["identifier"], row["msg_type"]) for row in listed] == [(identifier, "Cancel")]
    assert "unbroken; head " in town.shell("audit", "verify").out


@pytest.mark.requirement("S004-11")
def test_a_broadcast_needs_one_disaster_officer(town: Town) -> None:
    town.settle(GOOD)
    flood = body(category="flood", severity="Extreme", texts=FLOOD, reason="the river rises")
    file = town.file("flood.json", flood)
    sent = town.as_(town.disaster)("broadcast", file, "--json").document
    assert sent["people"] == 3  # consent is not asked in a disaster
    for credential in (town.author, town.machine):
        town.as_(credential)("broadcast", file).refused()
    disaster = town.as_(town.disaster)
    disaster("broadcast", town.file("mild.json", flood | {"severity": "Minor"})).refused("severity: ")
    disaster("broadcast", town.file("why.json", flood | {"reason": " "})).refused("reason: ")


def test_the_audience_of_a_drawn_area(town: Town) -> None:
    middle = drawn_area().representative_point()
    town.settle([f",,test-token-000001,{middle.y} {middle.x},,,,,,form", f",,test-token-000002,{THERE},,,,,,form"])
    drawn = {"type": "Polygon", "coordinates": [[list(corner) for corner in drawn_area().exterior.coords]]}
    asked = ("audience", "preview", "--area", town.file("area.json", drawn))
    assert town.shell(*asked, "--json").document["people"] == 1
    assert "1 people would be told" in town.shell(*asked).out
    audited = town.shell("audit", "verify").out
    plan = town.shell("audience", "plan", "--area", town.file("area.json", drawn), "--budget", "500", "--json").document
    assert town.shell("audit", "verify").out != audited  # it says how many people are known there
    assert plan["outline_bytes"] <= 500
    assert plan["topics"]
    town.shell("audience", "plan", "--ward", "kothrud-bavdhan", "--budget", "10").refused("budget")
    deep = town.shell.folder / "deep.json"
    deep.write_text("[" * 200_000)
    town.shell("audience", "plan", "--area", str(deep)).refused("nested too deep")
    town.shell("audience", "preview").refused("area")
    town.shell("audience", "preview", "--ward", "nowhere").refused("nowhere")
    town.shell("audience", "preview", "--area", "missing.json").refused("cannot read missing.json")
    town.shell("audience", "preview", "--area", town.file("list.json", [])).refused("JSON object")
    town.shell(*asked, "--category", "weather-in-mars").refused("category")
    town.shell(*asked, "--severity", "Terrible").refused("severity")
    turn = [2 * math.pi * step / 100_000 for step in range(100_000)]
    circle = [(middle.x + 0.05 * math.cos(angle), middle.y + 0.05 * math.sin(angle)) for angle in turn]
    crowded = town.file("crowded.json", {"type": "Polygon", "coordinates": [[*circle, circle[0]]]})
    town.shell("audience", "preview", "--area", crowded).refused("area/drawn: ")


def test_a_preview_at_the_machine_is_exact_and_on_record(town: Town) -> None:
    town.settle(GOOD)
    draft = town.file("alert.json", body())
    asked = ("audience", "preview", "--ward", "kothrud-bavdhan")
    found = town.shell(*asked, "--texts", draft, "--json").document
    assert (found["people"], found["inside"], found["rounded"]) == (2, 3, False)
    assert found["suppressed"]["no_consent"] == 1
    assert {row["office_code"] for row in found["by_office"]} == {"kothrud-bavdhan"}
    assert set(found["segments"]) == {"mr", "hi", "en"}
    assert found["estimated_cost_rupees"] == pytest.approx(0.15 * found["segments"]["mr"])
    shown = town.shell(*asked, "--texts", draft).out
    assert "not told: no_consent 1" in shown
    assert "rupees" in shown
    assert town.shell(*asked, "--json").document["estimated_cost_rupees"] is None
    town.shell(*asked, "--texts", town.file("empty.json", {"texts": {}})).refused("texts: ")
    assert set(town.shell(*asked, "--channel", "sms", "--json").document["by_channel"]) == {"sms"}
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert town.shell(*asked, "--incident", "burst", "--onset", ahead, "--expires", ahead[:-6] + "-02:00").code == 0
    town.shell(*asked, "--channel", "pigeon").refused("channels/0: one of push")
    town.shell(*asked, "--expires", AGO).refused("expires: ")
    town.shell(*asked, "--expires", "soon").refused("expires: ")
    town.shell(*asked, "--onset", ahead).refused("expires: ")
    town.shell(*asked, "--alert", "nonsense").refused("alert: ")
    with sqlite3.connect(town.shell.folder / "var" / "geoalert.db") as store:
        (count,) = store.execute("SELECT count(*) FROM audit WHERE action = 'audience.previewed'").fetchone()
    assert count == 5
    assert "unbroken; head " in town.shell("audit", "verify").out


def ring(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"drawn": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}}


BOW_TIE = ring((73.80, 18.50), (73.82, 18.52), (73.82, 18.50), (73.80, 18.52))
SWAPPED = ring((18.50, 73.80), (18.52, 73.80), (18.52, 73.82))
AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
DRAFTS: dict[str, tuple[Any, str]] = {
    "unknown office": (body(area={"wards": ["nowhere"]}), "area/wards/0: "),
    "self-crossing polygon": (body(area=BOW_TIE), "area/drawn: "),
    "swapped polygon": (body(area=SWAPPED), "area/drawn: "),
    "not a polygon": (body(area={"drawn": {"type": "Point", "coordinates": [73.8, 18.5]}}), "area/drawn: "),
    "no area": (body(area={}), "area: "),
    "empty languages": (body(texts={}), "texts: "),
    "a language missing": (body(texts={"mr": WATER["mr"]}), "texts/hi: "),
    "an empty text": (body(texts=WATER | {"hi": dict.fromkeys(WATER["hi"], "")}), "texts/hi/headline: "),
    "expired": (body(expires=AGO), "expires: "),
    "a time without its offset": (body(expires="2030-01-01T00:00:00"), "expires: "),
    "unknown category": (body(category="weather-in-mars"), "category: "),
    "a field nobody asked for": (body(colour="red"), "colour: "),
    "another department": (body(department="fire"), "department"),
    "not JSON": ("{not json", "Invalid JSON"),
    "not an object": ([], "object"),
}


@pytest.mark.requirement("S000-23")
def test_a_wrong_draft_is_refused_with_its_field_and_reason(town: Town) -> None:
    author = town.as_(town.author)
    for name, (draft, words) in DRAFTS.items():
        line = author("alert", "draft", town.file("bad.json", draft)).refused()
        assert words in line, name
    author("alert", "draft", "missing.json").refused("cannot read missing.json")
    author("alert", "draft", ".").refused("cannot read .")
    assert author("alert", "list", "--json").document == []


def test_without_a_valid_credential_nothing_is_done(town: Town) -> None:
    file = town.file("good.json", body())
    town.shell("alert", "draft", file).refused("GEOALERT_CREDENTIAL")
    _, public, secret = town.author.split("_", 2)
    for wrong in ("x", "पाणी", f"gp_{public}_{secret[::-1]}", f"gp_{public[::-1]}_{secret}"):
        town.as_(wrong)("alert", "draft", file).refused("this credential is not valid")
    assert town.shell("keys", "revoke", public).code == 0
    town.as_(town.author)("alert", "draft", file).refused("this credential is not valid")
    for options in (["nowhere"], ["water-supply", "--right", "approve"], ["fire", "--officer", "A", "--role", "boss"]):
        town.shell("keys", "create", *options).refused()
    for command in (["report", "nope"], ["subscribers", "erase", "nobody"]):
        town.shell(*command).refused("no such")


def test_locate(empty: Shell) -> None:
    found = empty("locate", "18.5074", "73.8077", "--json").document
    assert (found["office_code"], found["office"], found["zone"]) == ("kothrud-bavdhan", "Kothrud-Bavdhan", 2)
    assert empty("locate", "-33.86", "-151.2", "--json").document["inside"] is False
    refusals = {
        ("73.8077", "18.5074"): "swapped",
        ("nan", "73.8"): "lat: ",
        ("18.5", "inf"): "lon: ",
        ("91", "73.8"): "lat: ",
        ("-91", "73.8"): "lat: ",
        ("18.5", "181"): "lon: ",
        ("१८.५", "x"): "lon: ",
        ("18.5", "73.8", "--at", "yesterday"): "at: ",
    }
    for arguments, words in refusals.items():
        empty("locate", *arguments).refused(words)


def test_the_boundaries_are_checked_and_drawn(empty: Shell) -> None:
    found = empty("wards", "check", "pune", "--json").document
    assert (found["faults"], found["in_force"]) == ([], {"zone": 5, "office": 15, "unit": 73})
    assert len(empty("wards", "list", "--json").document) == 15
    assert empty("wards", "map", "map.png", "--highlight", "kothrud-bavdhan").code == 0
    assert (empty.folder / "map.png").read_bytes().startswith(PNG)
    empty("wards", "check", "nowhere").refused("nowhere")
    empty("wards", "map", "map.png", "--highlight", "nowhere").refused("nowhere")
    empty("wards", "map", "no/folder/map.png").refused("no/folder")


def test_misuse_is_another_exit_code(empty: Shell) -> None:
    for arguments in (["locate"], ["locate", "1"], ["locate", "1", "2", "3"], ["nonsense"], ["demo", "--people", "1"]):
        ran = empty(*arguments)
        assert ran.code == 2, arguments
        assert not ran.out
        assert "Error: " in ran.err
    assert empty("--version").out.startswith("geoalert ")
    for setting in ({"GEOALERT_STORE_URL": "mysql://x/y"}, {"GEOALERT_API_PORT": "many"}):
        Shell(empty.folder, {**empty.env, **setting})("report").refused()
    (empty.folder / "geoalert.toml").write_text("[nonsense]\n")
    empty("report").refused("nonsense")
