"""`geoalert dispatch resume`: what was parked goes on, and the record names who let it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from geoalert.operations.demo_story import FLOOD
from geoalert.sandbox.credentials import sandbox_credentials, write_credentials
from tests.e2e.warm import Shell, shell

HEADER = "phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent\n"
HERE = "18.5074 73.8077"
PEOPLE = (
    f"+12025550101,,,{HERE},mr,,sms,,,form",
    f"+12025550102,,,{HERE},mr,,sms,,,form",
    f",,test-token-000003,{HERE},,,,,,form",
)


def _record(folder: Path) -> list[dict[str, object]]:
    with closing(sqlite3.connect(folder / "var" / "geoalert.db")) as store:
        rows = store.execute("SELECT body FROM audit WHERE action = 'dispatch.resumed'").fetchall()
    return [json.loads(body) for (body,) in rows]


def _warned(plain: Shell) -> None:
    """Three people are to hear of a flood."""
    assert plain("db", "upgrade").code == 0
    (plain.folder / "people.csv").write_text(HEADER + "\n".join(PEOPLE), encoding="utf-8")
    assert plain("subscribers", "import", "people.csv").code == 0
    officer = plain("keys", "create", "disaster-management", "--officer", "First", "--role", "disaster").out.strip()
    flood = {
        "category": "flood",
        "severity": "Extreme",
        "expires": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        "texts": FLOOD,
        "area": {"wards": ["kothrud-bavdhan"]},
        "channels": ["push", "sms"],
        "reason": "the river rises",
    }
    (plain.folder / "flood.json").write_text(json.dumps(flood, ensure_ascii=False), encoding="utf-8")
    assert plain.as_(officer)("broadcast", "flood.json", "--json").document["people"] == 3


def test_what_waited_for_a_provider_goes_on_and_is_on_record(tmp_path: Path) -> None:
    plain = shell(tmp_path)
    _warned(plain)
    parked = plain("dispatch", "status", "--json").document
    assert {(row["state"], row["why"]) for row in parked["batches"]} == {("parked", "no_provider")}
    assert plain("dispatch", "resume").out == "0 batches go on\n"
    assert _record(tmp_path) == []
    write_credentials(tmp_path / "sandbox.json", sandbox_credentials("http://127.0.0.1:9"))
    mended = shell(tmp_path, GEOALERT_SANDBOX_CREDENTIALS="sandbox.json")
    assert mended("dispatch", "resume").out == "2 batches go on\n"
    queued = mended("dispatch", "status", "--json").document
    assert {(row["state"], row["provider"], row["recipients"]) for row in queued["batches"]} == {
        ("queued", "fcm", 1),
        ("queued", "twilio", 2),
    }
    (entry,) = _record(tmp_path)
    assert (entry["actor"], entry["detail"]) == ("command line", {"batches": 2, "recipients": 3})
    assert mended("audit", "verify").code == 0
