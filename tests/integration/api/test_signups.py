"""Many who sign up at one moment in one street: all acknowledged, none lost, none doubled, none waiting for others."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from geoalert.audit import verify
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point
from geoalert.subscribers.tables import Address, Consent, Place, Subscriber
from tests.integration.api.conftest import Door
from tests.stores import ON_POSTGRESQL
from tests.workbench import KOTHRUD

PEOPLE = 200
REPEATED = 20
PATIENCE = 120  # seconds: for a busy machine; what it must not do is wait for ever


def neighbour(number: int) -> dict[str, Any]:
    """Who lives some metres further up the street."""
    lon, lat = KOTHRUD
    return {
        "phone": f"+91{9_000_000_000 + number}",
        "places": [{"lat": round(lat + number * 1e-5, 6), "lon": lon}],
        "consent": "web",
    }


async def sign_up(door: Door, number: int) -> httpx2.Response:
    """As an app does it: with a key of its own, and again where the server says that it cannot answer now."""
    key = {"Idempotency-Key": f"neighbour-{number}"}
    while True:
        answer = await door.call("POST", "/v1/subscribers", door.caller, json=neighbour(number), headers=key)
        if answer.status_code != 503:
            return answer


async def count(house: House, table: type[Subscriber | Address | Place | Consent]) -> int:
    async with house.store.reading() as session:
        query = select(func.count()).select_from(table)
        if table is Address:
            query = query.where(Address.owner_kind == "subscriber")
        return int((await session.execute(query)).scalar_one())


async def written_down(house: House) -> list[str]:
    """The references that the audit says were added, in a chain that holds."""
    assert (await verify(house.store))[2] is None
    async with house.store.reading() as session:
        bodies = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == "subscribers.added"))
        return [json.loads(body)["subject"] for body in bodies]


@pytest.mark.requirement("S002-14")
async def test_two_hundred_at_once_are_all_in_and_each_once(door: Door) -> None:
    numbers = [*range(PEOPLE), *range(REPEATED)]  # some press the button twice
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*(sign_up(door, number) for number in numbers))
    assert Counter(answer.status_code for answer in answers) == {201: PEOPLE + REPEATED}
    references = {answer.json()["reference"] for answer in answers}
    assert len(references) == PEOPLE
    assert [await count(door.house, table) for table in (Subscriber, Address, Place, Consent)] == [PEOPLE] * 4
    assert sorted(await written_down(door.house)) == sorted(references)


@ON_POSTGRESQL
async def test_one_that_is_held_open_keeps_nobody_waiting(door: Door) -> None:
    """Were commits in a queue, everybody would stand behind the one that does not come to its end."""
    person = make_person(addresses={"push": "test-token-000001"}, points=[Point(*KOTHRUD)], consent="test")
    async with door.house.store.writing() as open_:
        await register(open_, [person], "test")
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*(sign_up(door, number) for number in range(PEOPLE)))
        assert {answer.status_code for answer in answers} == {201}
        assert await count(door.house, Subscriber) == PEOPLE
        assert len(await written_down(door.house)) == PEOPLE
    assert await count(door.house, Subscriber) == PEOPLE + 1
    assert len(await written_down(door.house)) == PEOPLE + 1


async def test_one_number_at_one_moment_is_one_person(door: Door) -> None:
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(
            *(door.call("POST", "/v1/subscribers", door.caller, json=neighbour(7)) for _ in range(12))
        )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    assert await count(door.house, Subscriber) == 1
    assert len(await written_down(door.house)) == 1
