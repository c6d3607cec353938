"""Explaining in the asker's language, also where there is nothing to explain, and only to those who may ask."""

from __future__ import annotations

import json
import uuid

import pytest
from sqlalchemy import select

from geoalert.audit.tables import AuditEntry
from tests.changes import forget, reference_of
from tests.integration.api.conftest import Door, refusal
from tests.integration.api.test_explain import ask
from tests.workbench import Chain


@pytest.mark.parametrize(
    ("accepts", "language", "inside", "taken", "ward"),
    [
        ("mr-IN, en;q=0.5", "mr", "त्यांचे एक ठिकाण क्षेत्रात होते", "पोहोचला की नाही हे माहीत नाही", "कोथरूड-बावधन"),
        ("hi", "hi", "उनका एक स्थान क्षेत्र में था", "पहुँचा या नहीं, यह ज्ञात नहीं है", "कोथरुड-बावधन"),
        ("fr", "en", "a place of theirs lay in the area", "that it arrived is not known", "Kothrud-Bavdhan"),
    ],
)
async def test_it_is_said_in_the_language_that_is_asked_for(
    door: Door, chain: Chain, accepts: str, language: str, inside: str, taken: str, ward: str
) -> None:
    person = await chain.settle(channels=("push", "sms"))
    alert, _ = await chain.sent()
    await chain.carry()
    subscriber = await reference_of(door.house, person)
    answer = await door.call(
        "GET",
        f"/v1/audience/explain?alert={alert}&subscriber={subscriber}",
        door.caller,
        headers={"Accept-Language": accepts},
    )
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")
    (message,) = answer.json()["messages"]
    assert inside in message["says"]
    assert taken in message["channels"][0]["says"]
    assert message["as_of_now"]["places"][0]["parts"] == [{"kind": "ward", "code": "kothrud-bavdhan", "name": ward}]
    assert message["role"] == "inside"


async def test_of_an_erased_person_only_that_is_said(door: Door, chain: Chain) -> None:
    person = await chain.settle()
    alert, _ = await chain.sent()
    await chain.carry()
    await forget(door.house, person)
    found = await ask(door, alert, person)
    assert (found["erased"], found["messages"]) == (True, [])
    assert "erased" in found["says"]


async def test_of_an_alert_that_has_not_left_that_is_said(door: Door, chain: Chain) -> None:
    person = await chain.settle()
    alert = await chain.approved()
    found = await ask(door, alert, person)
    assert (found["erased"], found["messages"]) == (False, [])
    assert "nobody was told" in found["says"]
    await chain.send(alert)
    found = await ask(door, alert, person)
    assert (found["says"], [message["role"] for message in found["messages"]]) == ("", ["inside"])


async def test_only_a_named_person_who_enrolls_asks_and_it_is_written_down(door: Door, chain: Chain) -> None:
    person = await chain.settle()
    alert, _ = await chain.sent()
    subscriber = await reference_of(door.house, person)
    path = f"/v1/audience/explain?alert={alert}&subscriber={subscriber}"
    for credential in (door.author, door.demo.cell, door.demo.machine):  # the machine's key may enroll
        refusal(await door.call("GET", path, credential), 403)
    refusal(await door.call("GET", path), 401)
    refusal(await door.call("GET", f"/v1/audience/explain?alert={alert}&subscriber={uuid.uuid4()}", door.caller), 404)
    refusal(
        await door.call("GET", f"/v1/audience/explain?alert={uuid.uuid4()}&subscriber={subscriber}", door.caller), 404
    )
    refusal(await door.call("GET", f"/v1/audience/explain?alert={alert}", door.caller), 422)
    asked = select(AuditEntry).where(AuditEntry.action == "audience.explained")
    async with door.house.store.reading() as session:
        assert (await session.scalars(asked)).all() == []
    await ask(door, alert, person)
    async with door.house.store.reading() as session:
        (entry,) = await session.scalars(asked)
    body = json.loads(entry.body)
    assert (body["subject"], body["detail"]) == (subscriber, {"alert": alert})
    assert body["actor"].startswith("officer:")
