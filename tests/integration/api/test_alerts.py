"""An alert's way through the HTTP door."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from geoalert.alerts.tables import Message
from geoalert.operations.demo_story import ALL_CLEAR, WATER
from geoalert.operations.reminders import remind_due
from geoalert.operations.schedule import release_due
from geoalert.store import database_now
from tests.integration.api.conftest import Door, refusal

JSON = {"Content-Type": "application/json"}
BOW_TIE = [[[73.80, 18.50], [73.82, 18.52], [73.82, 18.50], [73.80, 18.52], [73.80, 18.50]]]


@pytest.mark.requirement("S004-11", "S003-09", "S002-14")
async def test_from_draft_to_all_clear(door: Door) -> None:
    await door.settle()
    alert = await door.drafted()
    path = f"/v1/alerts/{alert['identifier']}"
    (message,) = alert["messages"]
    assert (alert["state"], message["author"]) == ("draft", "Demo officer 1 of water-supply")
    refusal(await door.call("POST", f"{path}/send", door.approver), 409)

    await door.call("POST", f"{path}/submit", door.author)
    approval = {"content_hash": message["content_hash"], "note": "as agreed"}
    approved = (await door.decide(alert["identifier"], "approve", door.approver, **approval)).json()
    (word,) = approved["messages"][0]["approvals"]
    assert word["officer"] == "Demo officer 2 of water-supply"
    assert word["content_hash"] == message["content_hash"]

    sent = (await door.call("POST", f"{path}/send", door.approver)).json()
    assert (sent["people"], sent["audience"], sent["batches"]) == (1, 1, 1)
    assert (await door.call("GET", f"{path}/progress", door.author)).json()["channels"] == {"sms": {"pending": 1}}
    report = (await door.call("GET", f"{path}/report", door.author)).json()
    assert report["balanced"] is True

    update_body = await door.draft_body()
    del update_body["category"]
    updated = await door.call("POST", f"{path}/update", door.author, json=update_body)
    assert (updated.status_code, updated.json()["msg_type"], updated.json()["state"]) == (201, "Update", "draft")

    over = await door.decide(alert["identifier"], "cancel", door.author, texts=ALL_CLEAR, reason="repaired")
    assert (over.status_code, over.json()["alert"]) == (200, alert["identifier"])
    shown = (await door.call("GET", path, door.author)).json()
    assert [message["state"] for message in shown["messages"]] == ["cancelled", "withdrawn", "released"]
    assert shown["messages"][0]["audience"]["by_channel"] == {"sms": 1}


async def test_what_was_drafted_can_be_returned_edited_and_withdrawn(door: Door) -> None:
    alert = await door.drafted()
    identifier, path = alert["identifier"], f"/v1/alerts/{alert['identifier']}"
    await door.call("POST", f"{path}/submit", door.author)
    refusal(await door.decide(identifier, "return", door.approver, note=" "), 422, "/note")
    returned = (await door.decide(identifier, "return", door.approver, note="say until when")).json()
    assert returned["messages"][0]["approvals"][0]["note"] == "say until when"
    edited = await door.call("PUT", path, door.author, json=await door.draft_body(severity="Minor"))
    assert (edited.json()["state"], edited.json()["severity"]) == ("draft", "Minor")
    refusal(await door.call("PUT", path, door.author, json=await door.draft_body(category="road")), 409)
    gone = await door.call("POST", f"{path}/withdraw", door.author)
    assert gone.json()["state"] == "withdrawn"
    refusal(await door.call("PUT", path, door.author, json=await door.draft_body()), 409)


@pytest.mark.requirement("S004-11")
async def test_the_author_cannot_approve(door: Door) -> None:
    alert = await door.drafted()
    await door.call("POST", f"/v1/alerts/{alert['identifier']}/submit", door.author)
    content_hash = alert["messages"][0]["content_hash"]
    body = refusal(await door.decide(alert["identifier"], "approve", door.author, content_hash=content_hash), 403)
    assert "other officer" in body["detail"]


@pytest.mark.requirement("S000-02")
async def test_an_approval_is_for_the_content_that_was_read(door: Door) -> None:
    alert = await door.drafted()
    path = f"/v1/alerts/{alert['identifier']}"
    stale = alert["messages"][0]["content_hash"]
    await door.call("PUT", path, door.author, json=await door.draft_body(severity="Minor"))
    await door.call("POST", f"{path}/submit", door.author)
    refusal(await door.decide(alert["identifier"], "approve", door.approver, content_hash=stale), 409, "/content_hash")
    refusal(await door.decide(alert["identifier"], "approve", door.approver), 422, "/content_hash")


@pytest.mark.requirement("S000-02")
async def test_an_edit_after_approval_needs_a_new_one(door: Door) -> None:
    alert = await door.approved()
    path = f"/v1/alerts/{alert['identifier']}"
    edited = await door.call("PUT", path, door.author, json=await door.draft_body(severity="Minor"))
    assert edited.json()["state"] == "draft"
    refusal(await door.call("POST", f"{path}/send", door.approver), 409)


async def test_an_expired_alert_goes_nowhere(door: Door) -> None:
    alert = await door.drafted()
    content_hash = alert["messages"][0]["content_hash"]
    await door.call("POST", f"/v1/alerts/{alert['identifier']}/submit", door.author)
    async with door.house.store.writing() as session:
        past = await database_now(session) - timedelta(minutes=1)
        await session.execute(update(Message).values(expires=past))
    answer = await door.decide(alert["identifier"], "approve", door.approver, content_hash=content_hash)
    refusal(answer, 409, "/expires")
    draft = await door.draft_body(expires=past.isoformat())
    refusal(await door.call("POST", "/v1/alerts", door.author, json=draft), 422, "/expires")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"area": {"wards": ["kothrud-bavdhan", "atlantis"]}}, "/area/wards/1"),
    ({"area": {"drawn": {"type": "Polygon", "coordinates": BOW_TIE}}}, "/area/drawn"),
    ({"area": {"drawn": {"type": "Polygon", "coordinates": [[["73.8", "18.5"]] * 4]}}}, "/area/drawn"),
    ({"area": {"drawn": {"type": "Polygon", "coordinates": [[[10**400, 18.5]] * 4]}}}, "/area/drawn"),
    ({"area": {"drawn": {"type": "Feature", "geometry": None}}}, "/area/drawn"),
    ({"area": {}}, "/area"),
    ({"area": {"wards": [], "centre": 1}}, "/area/centre"),
    ({"texts": {}}, "/texts"),
    ({"texts": {"mr": WATER["mr"], "hi": WATER["hi"]}}, "/texts/en"),
    ({"texts": WATER | {"en": WATER["en"] | {"instruction": " "}}}, "/texts/en/instruction"),
    ({"texts": WATER | {"en": {"headline": "Water"}}}, "/texts/en/instruction"),
    ({"texts": WATER | {"en": WATER["en"] | {"headline": "\ud800"}}}, "/texts/en/headline"),
    ({"texts": WATER | {"fr": WATER["en"]}}, "/texts/fr"),
    ({"category": "weather"}, "/category"),
    ({"severity": "Terrible"}, "/severity"),
    ({"channels": ["telegraph"]}, "/channels/0"),
    ({"channels": []}, "/channels"),
    ({"department": "nowhere"}, "/department"),
    ({"expires": "2026-11-21T18:00:00"}, "/expires"),
    ({"expires": "9999-12-31T23:59:59-12:00"}, "/expires"),
    ({"expires": 1_800_000_000}, "/expires"),
    ({"drill": "yes"}, "/drill"),
    ({"priority": 1}, "/priority"),
    ({"a/b~": 1}, "/a~1b~0"),
]


REMINDED = {"before": -1, "then": 2, "ends": 6}


@pytest.mark.requirement("S000-18", "S000-23", "S000-24")
async def test_bad_input_is_named_with_its_field(door: Door) -> None:
    for changes, pointer in WRONG:
        body = await door.draft_body(**changes)
        content = json.dumps(body)  # the client's own encoder refuses half a surrogate pair
        refusal(await door.call("POST", "/v1/alerts", door.author, content=content, headers=JSON), 422, pointer)
    assert (await door.call("GET", "/v1/alerts", door.author)).json()["alerts"] == []


async def test_nobody_to_tell_must_be_confirmed(door: Door) -> None:
    identifier = (await door.approved())["identifier"]
    refusal(await door.call("POST", f"/v1/alerts/{identifier}/send", door.approver), 409)
    sent = await door.decide(identifier, "send", door.approver, confirm_empty=True)
    assert sent.json()["people"] == 0


@pytest.mark.requirement("S004-11")
async def test_one_officers_word_sends_and_leaves_a_review_open(door: Door) -> None:
    await door.settle()
    first, second = door.disaster
    refusal(await door.call("POST", "/v1/broadcasts", first, json=await door.flood_body(reason=" ")), 422, "/reason")
    mild = await door.flood_body(severity="Minor")
    refusal(await door.call("POST", "/v1/broadcasts", first, json=mild), 422, "/severity")
    sent = await door.call("POST", "/v1/broadcasts", first, json=await door.flood_body())
    assert (sent.status_code, sent.json()["people"]) == (201, 1)
    identifier = sent.json()["alert"]
    assert sent.headers["location"] == f"/v1/alerts/{identifier}"
    (word,) = (await door.call("GET", f"/v1/alerts/{identifier}", first)).json()["messages"][0]["approvals"]
    assert (word["kind"], word["reviewed_at"]) == ("one_word", None)
    assert word["review_due"]
    refusal(await door.decide(identifier, "review", first), 403)
    assert (await door.decide(identifier, "review", second, note="rightly so")).json() == {"count": 1}


@pytest.mark.requirement("S004-11")
async def test_the_cell_publishes_the_posts(door: Door) -> None:
    await door.settle()
    identifier = await door.sent(channels=["sms", "post"])
    refusal(await door.call("POST", f"/v1/alerts/{identifier}/publish", door.approver), 403)
    assert (await door.call("POST", f"/v1/alerts/{identifier}/publish", door.demo.cell)).json() == {"count": 3}
    refusal(await door.call("POST", f"/v1/alerts/{identifier}/publish", door.demo.cell), 409)


async def test_pages_follow_each_other(door: Door) -> None:
    made = [(await door.drafted())["identifier"] for _ in range(5)]
    seen: list[str] = []
    address = "/v1/alerts?limit=2"
    for _ in range(3):
        page = (await door.call("GET", address, door.author)).json()
        seen += [alert["identifier"] for alert in page["alerts"]]
        address = f"/v1/alerts?limit=2&after={page['next']}"
    assert page["next"] is None
    assert seen == made[::-1]
    refusal(await door.call("GET", "/v1/alerts?limit=0", door.author), 422, "/limit")
    refusal(await door.call("GET", f"/v1/alerts?after={'0' * 32}", door.author), 422, "/after")
    refusal(await door.call("GET", f"/v1/alerts?after={made[0]}", door.disaster[0]), 422, "/after")


async def test_a_preview_counts_and_tells_nobody(door: Door) -> None:
    await door.settle()
    body = {"area": {"wards": ["kothrud-bavdhan"]}, "category": "water-supply", "severity": "Moderate"}
    answer = await door.call("POST", "/v1/audience/preview", door.approver, json=body)
    found = answer.json()
    assert (found["people"], found["inside"], found["by_channel"]) == (1, 1, {"sms": {"mr": 1}})
    for changes, pointer in (
        ({"category": "weather"}, "/category"),
        ({"area": {"wards": ["atlantis"]}}, "/area/wards/0"),
        ({"severity": "Terrible"}, "/severity"),
        ({"channels": []}, "/channels"),
    ):
        refusal(await door.call("POST", "/v1/audience/preview", door.author, json=body | changes), 422, pointer)
    refusal(await door.call("POST", "/v1/audience/preview", door.caller, json=body), 403)


async def test_a_reminder_is_asked_for_shown_and_checked(door: Door) -> None:
    await door.settle()
    async with door.house.store.reading() as session:
        now = await database_now(session)
    moments = {name: (now + timedelta(hours=ahead)).isoformat() for name, ahead in REMINDED.items()}
    for wrong in ("before", "ends", "2026-11-21T18:00:00"):
        body = await door.draft_body(expires=moments["ends"], remind_at=moments.get(wrong, wrong))
        refusal(await door.call("POST", "/v1/alerts", door.author, json=body), 422, "/remind_at")
    body = await door.draft_body(send_at=moments["then"], remind_at=moments["then"])
    refusal(await door.call("POST", "/v1/alerts", door.author, json=body), 422, "/remind_at")
    flood = await door.flood_body(remind_at=moments["then"])
    refusal(await door.call("POST", "/v1/broadcasts", door.disaster[0], json=flood), 422, "/remind_at")
    long = WATER | {"hi": WATER["hi"] | {"headline": WATER["hi"]["headline"].ljust(160, ".")}}
    body = await door.draft_body(texts=long, remind_at=moments["then"])
    refusal(await door.call("POST", "/v1/alerts", door.author, json=body), 422, "/texts/hi/headline")
    identifier = await door.sent(expires=moments["ends"], remind_at=moments["then"])
    (message,) = (await door.call("GET", f"/v1/alerts/{identifier}", door.author)).json()["messages"]
    assert datetime.fromisoformat(message["remind_at"]) == datetime.fromisoformat(moments["then"])
    assert (message["reminded_at"], message["reminder_left_out"]) == (None, None)
    door.house.store.shift += timedelta(hours=REMINDED["then"])
    assert await remind_due(door.house.desk) == 1
    first, second = (await door.call("GET", f"/v1/alerts/{identifier}", door.author)).json()["messages"]
    assert (first["state"], second["state"]) == ("superseded", "released")
    assert first["reminded_at"] == second["released_at"]
    assert second["content"]["reminds"] == first["identifier"]
    (word,), (carried,) = first["approvals"], second["approvals"]
    assert carried == word | {"kind": "reminder", "note": f"approved with message {first['identifier']}"}
    assert second["author"] == first["author"]


async def test_another_hour_of_the_reminder_needs_a_new_approval(door: Door) -> None:
    async with door.house.store.reading() as session:
        now = await database_now(session)
    body = await door.draft_body(remind_at=(now + timedelta(hours=2)).isoformat())
    alert = await door.approved(**body)
    path = f"/v1/alerts/{alert['identifier']}"
    other = body | {"remind_at": (now + timedelta(hours=3)).isoformat()}
    edited = (await door.call("PUT", path, door.author, json=other)).json()
    assert edited["state"] == "draft"
    assert edited["messages"][0]["content_hash"] != alert["messages"][0]["content_hash"]
    refusal(await door.call("POST", f"{path}/send", door.approver), 409)
    async with door.house.store.writing() as session:
        await session.execute(update(Message).values(remind_at=now))
    refusal(await door.call("POST", f"{path}/submit", door.author), 409, "/remind_at")


async def test_what_leaves_by_the_clock_for_nobody_is_confirmed_by_whoever_approves_it(door: Door) -> None:
    async with door.house.store.reading() as session:
        now = await database_now(session)
    hour = (now + timedelta(hours=1)).isoformat()
    alert = await door.drafted(send_at=hour)
    identifier, content = alert["identifier"], {"content_hash": alert["messages"][-1]["content_hash"]}
    await door.call("POST", f"/v1/alerts/{identifier}/submit", door.author)
    body = refusal(await door.decide(identifier, "approve", door.approver, **content), 409)
    assert "nobody would be told as things stand: no subscriber is reached by this area" in body["detail"]
    (message,) = (await door.call("GET", f"/v1/alerts/{identifier}", door.author)).json()["messages"]
    assert (message["state"], message["approvals"]) == ("submitted", [])
    answer = await door.decide(identifier, "approve", door.approver, **content, confirm_empty=True)
    assert answer.status_code == 200
    door.house.store.shift += timedelta(hours=2)
    assert await release_due(door.house.desk) == 1
    await door.settle()
    assert (await door.approved(send_at=(now + timedelta(hours=3)).isoformat()))["messages"][-1]["state"] == "approved"


async def test_that_nobody_would_be_told_is_said_with_the_reason(door: Door) -> None:
    await door.settle()
    identifier = (await door.approved(channels=["push"]))["identifier"]
    body = refusal(await door.call("POST", f"/v1/alerts/{identifier}/send", door.approver), 409)
    assert "nobody would be told: of 1 inside, 1 people have none of its channels; confirm" in body["detail"]
