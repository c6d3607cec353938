"""Every route is public on purpose or asks who is there; and a machine's key is never a person."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import iscoroutinefunction

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import update

from api.main import create_app
from api.security import PUBLIC, actor
from geoalert.departments import revoke
from geoalert.departments.tables import Officer
from tests.integration.api.conftest import Door, refusal


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield context.original_route


def open_routes(app: FastAPI) -> set[tuple[str, str]]:
    """Routes that ask for no actor."""
    return {
        (method, route.path)
        for route in _routes(app)
        if actor not in _calls(route.dependant)
        for method in route.methods or ()
    }


def test_only_the_listed_routes_are_public() -> None:
    assert open_routes(create_app()) == PUBLIC


def test_a_forgotten_route_would_be_seen() -> None:
    app, router = create_app(), APIRouter(prefix="/v1/forgotten")

    @router.get("")
    async def forgotten() -> None: ...

    @router.post("", dependencies=[Depends(actor)])
    async def guarded() -> None: ...

    app.include_router(router)
    assert open_routes(app) - PUBLIC == {("GET", "/v1/forgotten")}


def test_no_request_waits_for_a_thread() -> None:
    """FastAPI runs whatever is no coroutine in one of forty threads: two hand-overs, and a queue behind slow ones."""
    calls = {call for route in _routes(create_app()) for call in _calls(route.dependant)}
    threads = [call for call in calls if not any(map(iscoroutinefunction, (call, type(call).__call__)))]
    assert len(calls) > 30
    assert threads == []


async def test_every_other_route_refuses_a_stranger(door: Door) -> None:
    for path, operations in door.app.openapi()["paths"].items():
        for method, operation in operations.items():
            if "security" not in operation:
                continue
            address = path.format(identifier="0" * 32, reference="0" * 32)
            answer = await door.call(method, address, json={} if method in {"post", "put"} else None)
            refusal(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("credential", ["ga_a_b", "nonsense", "gp_" + "x" * 500, "gé_a_b"])
async def test_a_wrong_credential_is_refused(door: Door, credential: str) -> None:
    refusal(await door.call("GET", "/v1/alerts", headers={"Authorization": f"Bearer {credential}".encode()}), 401)


async def test_an_altered_revoked_or_former_credential_is_refused(door: Door) -> None:
    machine = door.demo.machine
    assert (await door.call("GET", "/v1/alerts", machine)).status_code == 200
    refusal(await door.call("GET", "/v1/alerts", machine[:-1] + ("A" if machine[-1] != "A" else "B")), 401)
    refusal(await door.call("GET", "/v1/alerts", machine.replace("ga_", "gp_")), 401)
    async with door.house.store.writing() as session:
        await revoke(session, machine.split("_")[1])
        await session.execute(update(Officer).where(Officer.name == "Test agent").values(state="left"))
    refusal(await door.call("GET", "/v1/alerts", machine), 401)
    refusal(await door.call("GET", "/v1/alerts", door.caller), 401)


@pytest.mark.requirement("S004-11", "S003-09")
async def test_a_key_drafts_and_submits_but_stands_for_nobody(door: Door) -> None:
    alert = await door.drafted(door.demo.machine)
    identifier, key = alert["identifier"], door.demo.machine
    assert (await door.call("POST", f"/v1/alerts/{identifier}/submit", key)).status_code == 200
    content_hash = alert["messages"][0]["content_hash"]
    refusal(await door.decide(identifier, "approve", key, content_hash=content_hash), 403)
    refusal(await door.decide(identifier, "return", key, note="no"), 403)
    refusal(await door.decide(identifier, "send", key), 403)
    refusal(await door.decide(identifier, "publish", key), 403)
    refusal(await door.decide(identifier, "review", key), 403)
    refusal(await door.call("POST", "/v1/broadcasts", key, json=await door.flood_body()), 403)
    assert (await door.call("GET", f"/v1/alerts/{identifier}", key)).json()["state"] == "submitted"


@pytest.mark.requirement("S004-01")
async def test_the_cell_prepares_for_a_department_and_cannot_approve(door: Door) -> None:
    alert = await door.drafted(door.demo.cell, department="water-supply")
    assert alert["department"] == "water-supply"
    await door.call("POST", f"/v1/alerts/{alert['identifier']}/submit", door.demo.cell)
    content_hash = alert["messages"][0]["content_hash"]
    refusal(await door.decide(alert["identifier"], "approve", door.demo.cell, content_hash=content_hash), 403)
    refusal(await door.decide(alert["identifier"], "send", door.demo.cell), 403)
    answer = await door.decide(alert["identifier"], "approve", door.author, content_hash=content_hash)
    assert answer.json()["state"] == "approved"


async def test_another_departments_alert_is_not_there(door: Door) -> None:
    alert = await door.drafted()
    other = door.disaster[0]
    path = f"/v1/alerts/{alert['identifier']}"
    for method, address in (("GET", path), ("GET", f"{path}/report"), ("GET", f"{path}/progress")):
        refusal(await door.call(method, address, other), 404)
    refusal(await door.call("PUT", path, other, json=await door.draft_body()), 404)
    for step in ("submit", "withdraw", "send", "publish"):
        refusal(await door.call("POST", f"{path}/{step}", other), 404)
    assert (await door.call("GET", "/v1/alerts", other)).json() == {"alerts": [], "next": None}
    draft = await door.draft_body(department="disaster-management")
    refusal(await door.call("POST", "/v1/alerts", door.author, json=draft), 403)
    assert (await door.call("GET", path, door.demo.cell)).status_code == 200


async def test_one_word_is_for_disaster_management_only(door: Door) -> None:
    refusal(await door.call("POST", "/v1/broadcasts", door.author, json=await door.flood_body()), 403)
    refusal(await door.call("POST", "/v1/broadcasts", door.demo.cell, json=await door.flood_body()), 403)
