"""`geoalert audience explain`: in words and as JSON, to whoever may ask."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing

from tests.e2e.towns import HERE, THERE, Town, body, credential

PEOPLE = (f"+12025550101,,,{HERE},mr,,sms,,,form", f"+12025550102,,,{THERE},en,,sms,,,form")


def sent(town: Town) -> str:
    """An alert of Kothrud that has left; its identifier."""
    author, approver = town.as_(town.author), town.as_(town.approver)
    drafted = author("alert", "draft", town.file("alert.json", body()), "--json").document
    alert, content_hash = drafted["identifier"], drafted["messages"][0]["content_hash"]
    assert author("alert", "submit", alert).code == 0
    assert approver("alert", "approve", alert, "--hash", content_hash).code == 0
    assert approver("alert", "send", alert).code == 0
    return str(alert)


def test_why_somebody_was_told_or_not(town: Town) -> None:
    town.settle(PEOPLE)
    alert, plain = sent(town), town.shell
    with closing(sqlite3.connect(plain.folder / "var" / "geoalert.db")) as store, store:
        people = store.execute("SELECT id, reference FROM subscriber ORDER BY id").fetchall()
        parents = "INSERT INTO area_place (subscriber_id, label, kind, code) VALUES (?, 'parents', 'ward', 'atlantis')"
        store.execute(parents, people[1][:1])
    inside, outside = [reference for _, reference in people]
    agent = plain.as_(credential(plain, "water-supply", "--officer", "Agent", "--role", "call-centre"))
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
    words = agent(*ask, outside, "--language", "mr").out
    assert "ज्यांना पाठवायचे त्यांच्यात नव्हते" in words
    assert "घर (ठिकाण): सुमारे" in words
    assert "आई-वडील (विभाग): असा कोणताही विभाग माहीत नाही" in words
    assert "आत: कोथरूड-बावधन" in agent(*ask, inside, "--language", "mr").out
    agent(*ask, outside, "--language", "fr").refused("en, mr, hi")
    plain(*ask, inside).refused("GEOALERT_CREDENTIAL")
    find = ("subscribers", "find")
    assert agent(*find, typed="+1 202 555 0102\n").out.strip() == outside
    agent(*find, typed="+12025550103").refused("nobody has subscribed by this address")
    agent(*find, "--by", "email", typed="nobody").refused("email: ")
    agent(*find, "--by", "name").refused("phone, email, push_token")
    agent(*find).refused("standard input")
    plain(*find, typed="+12025550102").refused("GEOALERT_CREDENTIAL")
    town.as_(town.author)(*ask, inside).refused("enroll or administer")
    agent("audience", "explain", "nonsense", "--subscriber", inside).refused("no such alert")
    agent(*ask, str(uuid.uuid4())).refused("no such subscriber")
    assert plain("subscribers", "erase", inside).code == 0
    assert "this person was erased" in agent(*ask, inside).out
    assert plain("audit", "verify").code == 0
