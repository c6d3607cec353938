"""The HTTP door in process, over a house on each store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.main import create_app
from geoalert.bootstrap import House
from geoalert.departments import issue, name_officer
from geoalert.operations.demo_city import Credentials
from geoalert.operations.demo_story import FLOOD, WATER
from geoalert.settings import Settings
from geoalert.store import database_now
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point
from tests.workbench import KOTHRUD

PROBLEM = "application/problem+json"


@dataclass
class Door:
    """A client, and who may stand before it."""

    app: FastAPI
    house: House
    client: httpx2.AsyncClient
    demo: Credentials = field(repr=False)
    caller: str = field(repr=False)  # the call centre's

    @property
    def author(self) -> str:
        return self.demo.officers["water-supply"][0]

    @property
    def approver(self) -> str:
        return self.demo.officers["water-supply"][1]

    @property
    def disaster(self) -> tuple[str, str]:
        return self.demo.officers["disaster-management"]

    async def call(self, method: str, path: str, credential: str = "", **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        headers |= options.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **options)

    async def draft_body(self, **changes: Any) -> dict[str, Any]:
        async with self.house.store.reading() as session:
            now = await database_now(session)
        return {
            "category": "water-supply",
            "severity": "Moderate",
            "expires": (now + timedelta(hours=6)).isoformat(),
            "texts": WATER,
            "area": {"wards": ["kothrud-bavdhan"]},
            "channels": ["push", "sms"],
        } | changes

    async def flood_body(self, **changes: Any) -> dict[str, Any]:
        flood = {"category": "flood", "severity": "Extreme", "texts": FLOOD, "reason": "the river rises"}
        return await self.draft_body(**(flood | changes))

    async def drafted(self, credential: str = "", **changes: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/v1/alerts", credential or self.author, json=await self.draft_body(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def decide(self, identifier: str, step: str, credential: str, **body: Any) -> httpx2.Response:
        return await self.call("POST", f"/v1/alerts/{identifier}/{step}", credential, json=body)

    async def approved(self, **changes: Any) -> dict[str, Any]:
        alert = await self.drafted(**changes)
        content_hash = alert["messages"][-1]["content_hash"]
        assert (await self.call("POST", f"/v1/alerts/{alert['identifier']}/submit", self.author)).status_code == 200
        answer = await self.decide(alert["identifier"], "approve", self.approver, content_hash=content_hash)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def sent(self, **changes: Any) -> str:
        identifier = str((await self.approved(**changes))["identifier"])
        answer = await self.call("POST", f"/v1/alerts/{identifier}/send", self.approver)
        assert answer.status_code == 200, answer.text
        return identifier

    async def settle(self, number: int = 1) -> None:
        """Somebody who lives in Kothrud and can be reached by SMS."""
        person = make_person(addresses={"sms": f"+915{number:09d}"}, points=[Point(*KOTHRUD)], consent="test")
        async with self.house.store.writing() as session:
            await register(session, [person], "test")


def refusal(answer: httpx2.Response, status: int, pointer: str | None = None) -> dict[str, Any]:
    """The problem in an answer, after checking its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "errors"}
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"].startswith("urn:uuid:")
    assert all(set(error) == {"pointer", "detail"} for error in body["errors"])
    assert not [error for error in body["errors"] if error["detail"].startswith("Value error")], "in our words alone"
    if pointer is not None:
        assert pointer in [error["pointer"] for error in body["errors"]], body["errors"]
    return body


@pytest.fixture
async def door(house: House, settings: Settings, officers: Credentials) -> AsyncIterator[Door]:
    """The application on the house's store, with the demo's officers and a call centre."""
    async with house.store.writing() as session:
        agent = await name_officer(session, "water-supply", "Test agent", "Call centre", ["call-centre"])
        caller = await issue(session, "water-supply", officer=agent.reference)
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://geoalert.test") as client,
    ):
        yield Door(app, house, client, officers, caller)
