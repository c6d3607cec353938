"""The same request twice is done once, however the two meet."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from api.idempotency import KEPT, forget_old
from geoalert.alerts.tables import Alert
from geoalert.departments.tables import RepeatedRequest
from geoalert.store import database_now
from geoalert.subscribers.tables import Subscriber
from tests.integration.api.conftest import Door, refusal

KEY = {"Idempotency-Key": "b6b1f0c2"}


async def _count(door: Door, table: type) -> int:
    async with door.house.store.reading() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_fifty_at_once_make_one_alert_and_fifty_equal_answers(door: Door) -> None:
    body = await door.draft_body()
    calls = [door.call("POST", "/v1/alerts", door.author, json=body, headers=KEY) for _ in range(50)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await _count(door, Alert) == 1


async def test_a_repeat_is_given_the_first_answer_even_after_things_moved_on(door: Door) -> None:
    alert = await door.drafted()
    path = f"/v1/alerts/{alert['identifier']}/submit"
    first = await door.call("POST", path, door.author, headers=KEY)
    await door.decide(alert["identifier"], "return", door.approver, note="shorter")
    again = await door.call("POST", path, door.author, headers=KEY)
    assert (again.status_code, again.content) == (200, first.content)
    assert (await door.call("GET", path.removesuffix("/submit"), door.author)).json()["state"] == "returned"


async def test_a_key_is_for_one_request(door: Door) -> None:
    body = await door.draft_body()
    assert (await door.call("POST", "/v1/alerts", door.author, json=body, headers=KEY)).status_code == 201
    other = body | {"severity": "Minor"}
    answer = await door.call("POST", "/v1/alerts", door.author, json=other, headers=KEY)
    refusal(answer, 422, "/Idempotency-Key")
    refusal(await door.call("POST", "/v1/broadcasts", door.author, json=body, headers=KEY), 422)
    assert await _count(door, Alert) == 1


async def test_a_key_belongs_to_its_credential(door: Door) -> None:
    body = await door.draft_body()
    for credential in (door.author, door.approver):
        assert (await door.call("POST", "/v1/alerts", credential, json=body, headers=KEY)).status_code == 201
    assert await _count(door, Alert) == 2


async def test_a_refusal_leaves_no_trace(door: Door) -> None:
    wrong = await door.draft_body(texts={})
    refusal(await door.call("POST", "/v1/alerts", door.author, json=wrong, headers=KEY), 422)
    assert await _count(door, RepeatedRequest) == 0
    right = await door.draft_body()
    assert (await door.call("POST", "/v1/alerts", door.author, json=right, headers=KEY)).status_code == 201


async def test_a_person_is_enrolled_once_and_the_key_tells_nothing_of_them(door: Door) -> None:
    body = {"phone": "+919876543210", "places": [{"ward": "kothrud-bavdhan"}], "consent": "call"}
    first, second = [await door.call("POST", "/v1/subscribers", door.caller, json=body, headers=KEY) for _ in range(2)]
    assert first.json() == second.json()
    assert await _count(door, Subscriber) == 1
    async with door.house.store.reading() as session:
        row = (await session.scalars(select(RepeatedRequest))).one()
    assert "9876543210" not in f"{row.answer}{row.request_hash}"


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
async def test_a_key_has_a_form(door: Door, key: str) -> None:
    body = await door.draft_body()
    answer = await door.call("POST", "/v1/alerts", door.author, json=body, headers={"Idempotency-Key": key})
    refusal(answer, 422, "/Idempotency-Key")


async def test_old_answers_are_forgotten(door: Door) -> None:
    body = await door.draft_body()
    await door.call("POST", "/v1/alerts", door.author, json=body, headers=KEY)
    await forget_old(door.house.store)
    assert await _count(door, RepeatedRequest) == 1
    async with door.house.store.writing() as session:
        at = await database_now(session) - KEPT - timedelta(seconds=1)
        await session.execute(update(RepeatedRequest).values(at=at))
    await forget_old(door.house.store)
    assert await _count(door, RepeatedRequest) == 0
