"""`geoalert audience explain`: in words and as JSON, to whoever may ask."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from geoalert.operations.demo_story import WATER
from geoalert.sandbox.credentials import sandbox_credentials, write_credentials
from tests.e2e.warm import Shell, shell

HEADER = "phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent\n"
HERE, THERE = "18.5074 73.8077", "18.5005 73.9340"  # Kothrud, Hadapsar
PEOPLE = f"+12025550101,,,{HERE},mr,,sms,,,form\n+12025550102,,,{THERE},en,,sms,,,form\n"


def _open(folder: Path) -> tuple[Shell, str]:
    """A store with two people and a sent alert of Kothrud; the alert's identifier."""
    write_credentials(folder / "sandbox.json", sandbox_credentials("http://127.0.0.1:9"))
    plain = shell(folder, GEOALERT_SANDBOX_CREDENTIALS="sandbox.json")
    assert plain("db", "upgrade").code == 0
    (folder / "people.csv").write_text(HEADER + PEOPLE, encoding="utf-8")
    assert plain("subscribers", "import", "people.csv").code == 0
    author, approver = [_credential(plain, f"{name} officer", "nodal") for name in ("First", "Second")]
    body = {
        "category": "water-supply",
        "severity": "Moderate",
        "expires": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        "texts": WATER,
        "area": {"wards": ["kothrud-bavdhan"]},
        "channels": ["push", "sms"],
    }
    (folder / "alert.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    drafted = plain.as_(author)("alert", "draft", "alert.json", "--json").document
    alert, content_hash = drafted["identifier"], drafted["messages"][0]["content_hash"]
    assert plain.as_(author)("alert", "submit", alert).code == 0
    assert plain.as_(approver)("alert", "approve", alert, "--hash", content_hash).code == 0
    assert plain.as_(approver)("alert", "send", alert).code == 0
    return plain, alert


def _credential(plain: Shell, name: str, role: str) -> str:
    return plain("keys", "create", "water-supply", "--officer", name, "--role", role).out.strip()


def test_why_somebody_was_told_or_not(tmp_path: Path) -> None:
    plain, alert = _open(tmp_path)
    (path,) = [file for file in tmp_path.rglob("*.db") if file.stat().st_size]
    with closing(sqlite3.connect(path)) as store, store:
        people = store.execute("SELECT id, reference FROM subscriber ORDER BY id").fetchall()
        parents = "INSERT INTO area_place (subscriber_id, label, kind, code) VALUES (?, 'parents', 'ward', 'atlantis')"
        store.execute(parents, people[1][:1])
    inside, outside = [reference for _, reference in people]
    agent = plain.as_(_credential(plain, "Agent", "call-centre"))
    ask = ("audience", "explain", alert, "--subscriber")
    found = agent(*ask, inside, "--json").document
    assert [message["role"] for message in found["messages"]] == ["inside"]
    assert found["messages"][0]["channels"][0]["outcome"] == "pending"
    words = agent(*ask, outside).out
    assert "not in the audience" in words
    assert "home (point): outside by about" in words
    assert "parents (ward): no such ward is known" in words
    assert "as places, wishes and addresses stand now" in words
    assert THERE.split()[1][:5] not in words
    plain(*ask, inside).refused("GEOALERT_CREDENTIAL")
    plain.as_(_credential(plain, "Third", "nodal"))(*ask, inside).refused("enroll or administer")
    agent("audience", "explain", "nonsense", "--subscriber", inside).refused("no such alert")
    agent(*ask, str(uuid.uuid4())).refused("no such subscriber")
    assert plain("subscribers", "erase", inside).code == 0
    assert "this person was erased" in agent(*ask, inside).out
    assert plain("audit", "verify").code == 0
