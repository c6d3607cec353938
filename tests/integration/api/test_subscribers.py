"""Enrolling and forgetting a person."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import func, select

from geoalert.audit.tables import AuditEntry
from geoalert.departments import issue, name_officer
from geoalert.subscribers.tables import Address, AreaPlace, Consent, Place, Subscriber
from tests.integration.api.conftest import Door, refusal

PHONE = "+919876543210"
PERSON: dict[str, Any] = {
    "phone": "098765 43210",
    "places": [{"lat": 18.5074, "lon": 73.8077, "label": "home"}, {"ward": "aundh-baner", "label": "work"}],
    "language": "hi",
    "categories": ["water-supply", "flood"],
    "min_severity": "Minor",
    "quiet_hours": "22:00-06:30",
    "consent": "call",
}


@pytest.mark.requirement("S002-09")
async def test_a_caller_is_enrolled_with_consent_and_forgotten_at_their_wish(door: Door) -> None:
    answer = await door.call("POST", "/v1/subscribers", door.caller, json=PERSON)
    assert answer.status_code == 201, answer.text
    reference = answer.json()["reference"]
    assert answer.headers["location"] == f"/v1/subscribers/{reference}"
    async with door.house.store.reading() as session:
        assert (await session.scalars(select(Consent.basis))).all() == ["call"]
        (sealed,) = await session.scalars(select(Address.sealed).where(Address.owner_kind == "subscriber"))
    assert PHONE.encode() not in bytes(sealed)
    assert (await door.call("DELETE", f"/v1/subscribers/{reference}", door.caller)).status_code == 204
    refusal(await door.call("DELETE", f"/v1/subscribers/{reference}", door.caller), 404)
    refusal(await door.call("DELETE", "/v1/subscribers/nobody", door.caller), 404)
    async with door.house.store.reading() as session:
        left = (await session.execute(select(func.count()).select_from(Place))).scalar_one()
    assert left == 0


async def test_of_a_rounded_place_only_its_square_is_kept(door: Door) -> None:
    body = PERSON | {"places": [{"lat": 18.5074, "lon": 73.8077, "rounded": True, "label": "work"}]}
    assert (await door.call("POST", "/v1/subscribers", door.caller, json=body)).status_code == 201
    async with door.house.store.reading() as session:
        (place,) = await session.scalars(select(AreaPlace))
        assert (place.kind, place.code, place.label) == ("cell", "cell:16556:38727", "work")
        assert (await session.scalars(select(Place))).all() == []


async def test_an_address_is_enrolled_once_and_nobody_learns_whose(door: Door) -> None:
    calls = [door.call("POST", "/v1/subscribers", door.caller, json=PERSON) for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            refusal(answer, 409)
            assert "98765" not in answer.text
    async with door.house.store.reading() as session:
        assert (await session.execute(select(func.count()).select_from(Subscriber))).scalar_one() == 1


async def test_whose_an_address_is_is_said_to_a_named_person_and_written_down(door: Door) -> None:
    body = PERSON | {"email": "caller@example.org", "push_token": "token-of-the-caller"}
    reference = (await door.call("POST", "/v1/subscribers", door.caller, json=body)).json()["reference"]
    await door.call("POST", "/v1/subscribers", door.caller, json=PERSON | {"phone": "+919876543219"})
    given: list[dict[str, str]] = [{"phone": PHONE}, {"phone": "098765 43210"}, {"email": "Caller@example.org"}]
    for address in [*given, {"push_token": "token-of-the-caller"}]:
        answer = await door.call("POST", "/v1/subscribers/find", door.caller, json=address)
        assert (answer.status_code, answer.json()) == (200, {"reference": reference})
    for nobody in ({"phone": "+919876543218"}, {"push_token": "token-of-nobody"}):
        answer = await door.call("POST", "/v1/subscribers/find", door.caller, json=nobody)
        refusal(answer, 404)
        assert "98765" not in answer.text
    for wrong in ({}, {"phone": PHONE, "email": "caller@example.org"}):
        refusal(await door.call("POST", "/v1/subscribers/find", door.caller, json=wrong), 422)
    refusal(await door.call("POST", "/v1/subscribers/find", door.caller, json={"phone": "12"}), 422, "/phone")
    for credential in (door.author, door.demo.cell, door.demo.machine):  # the machine's key may enroll
        refusal(await door.call("POST", "/v1/subscribers/find", credential, json={"phone": PHONE}), 403)
    async with door.house.store.reading() as session:
        written = select(AuditEntry.body).where(AuditEntry.action == "subscriber.looked_up").order_by(AuditEntry.id)
        entries = [json.loads(body) for body in await session.scalars(written)]
    assert all(entry["actor"].startswith("officer:") for entry in entries)
    assert [(entry["subject"], entry["detail"]) for entry in entries] == [
        *((reference, {"channel": channel}) for channel in ("sms", "sms", "email", "push")),
        *(("nobody", {"channel": channel}) for channel in ("sms", "push")),
    ]
    await door.call("DELETE", f"/v1/subscribers/{reference}", door.caller)
    refusal(await door.call("POST", "/v1/subscribers/find", door.caller, json={"phone": PHONE}), 404)


async def test_without_consent_it_must_be_said(door: Door) -> None:
    missing = {name: value for name, value in PERSON.items() if name != "consent"}
    refusal(await door.call("POST", "/v1/subscribers", door.caller, json=missing), 422, "/consent")
    for empty in ("", "  "):
        body = PERSON | {"consent": empty}
        refusal(await door.call("POST", "/v1/subscribers", door.caller, json=body), 422, "/consent")
    assert (await door.call("POST", "/v1/subscribers", door.caller, json=PERSON | {"consent": None})).status_code == 201


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"phone": "12"}, "/phone"),
    ({"phone": None}, "/phone"),
    ({"phone": 9876543210}, "/phone"),
    ({"email": "nobody"}, "/email"),
    ({"places": []}, "/places"),
    ({"places": [{"lat": 18.5, "lon": "73.8"}]}, "/places/0/lon"),
    ({"places": [{"lat": 18.5, "lon": "0"}]}, "/places/0/lon"),
    ({"places": [{"lat": 18.5}]}, "/places/0"),
    ({"places": [{"lat": True, "lon": 73.8}]}, "/places/0/lat"),
    ({"places": [{"lat": 98.5, "lon": 73.8}]}, "/places/0"),
    ({"places": [{"lat": 18.5, "lon": 73.8, "ward": "aundh-baner"}]}, "/places/0"),
    ({"places": [{"ward": "aundh-baner", "rounded": True}]}, "/places/0/rounded"),
    ({"places": [{"lat": 98.5, "lon": 73.8, "rounded": True}]}, "/places/0"),
    ({"places": [{"rounded": True}]}, "/places/0"),
    ({"places": [{"lat": 18.5, "lon": 73.8, "rounded": 1}]}, "/places/0/rounded"),
    ({"places": [{"lat": 73.8077, "lon": 18.5074}]}, "/places/0"),
    ({"places": [{"lat": 73.8077, "lon": 18.5074, "rounded": True}]}, "/places/0"),
    ({"places": [{"lat": 18.5, "lon": 73.8}, {"lat": 48.8, "lon": 2.3}]}, "/places/1"),
    ({"places": [{"ward": "aundh-baner"}, {"ward": "atlantis"}]}, "/places/1/ward"),
    ({"places": [{"ward": "aundh-baner", "label": "castle"}]}, "/places/0/label"),
    ({"language": "fr"}, "/language"),
    ({"categories": ["weather"]}, "/categories"),
    ({"channels": ["email"]}, "/channels"),
    ({"min_severity": "Terrible"}, "/min_severity"),
    ({"quiet_hours": "all night"}, "/quiet_hours"),
    ({"consent": "\x00"}, "/consent"),
    ({"name": "A. Citizen"}, "/name"),
]


async def test_bad_input_is_named_and_not_repeated(door: Door) -> None:
    for changes, pointer in WRONG:
        answer = await door.call("POST", "/v1/subscribers", door.caller, json=PERSON | changes)
        refusal(answer, 422, pointer)
        assert "43210" not in answer.text


async def test_who_may_enroll_and_forget(door: Door) -> None:
    refusal(await door.call("POST", "/v1/subscribers", door.author, json=PERSON), 403)
    reference = (await door.call("POST", "/v1/subscribers", door.demo.machine, json=PERSON)).json()["reference"]
    refusal(await door.call("DELETE", f"/v1/subscribers/{reference}", door.approver), 403)
    async with door.house.store.writing() as session:
        admin = await name_officer(session, "water-supply", "Test admin", "Administrator", ["admin"])
        credential = await issue(session, "water-supply", officer=admin.reference)
    assert (await door.call("DELETE", f"/v1/subscribers/{reference}", credential)).status_code == 204
