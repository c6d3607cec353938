"""A store or a client that falls silent holds nobody up: the answer comes, says so, and nothing is done twice."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from api import health
from api.main import create_app
from geoalert.settings import Settings
from geoalert.subscribers.tables import Subscriber
from tests.chaos.fault_proxy import FAIR, FaultProxy, Weather, proxied
from tests.integration.api.conftest import PROBLEM, Door, refusal
from tests.stores import ON_POSTGRESQL
from tests.waiting import until

DEADLINE = 2.0
SOON = 10.0  # seconds: on a busy machine, and far from never
ASKED = {
    "area": {"wards": ["kothrud-bavdhan"]},
    "category": "water-supply",
    "severity": "Moderate",
    "channels": ["sms"],
}
PERSON = {"phone": "+919800000001", "places": [{"lat": 18.5074, "lon": 73.8077}], "consent": "web"}


@asynccontextmanager
async def behind_a_cable(settings: Settings) -> AsyncIterator[tuple[httpx2.AsyncClient, FaultProxy]]:
    """Another process's application, as it were, whose store is at the end of a cable."""
    url = make_url(settings.store.url or "")
    async with proxied(url.port or 5432) as cable:
        far = copy.deepcopy(settings)
        far.store.url = url.set(host="127.0.0.1", port=cable.port).render_as_string(hide_password=False)
        far.api.deadline_s = DEADLINE
        app = create_app(far)
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://geoalert.test", timeout=60) as client,
        ):
            yield client, cable
            await cable.turn(FAIR)


@ON_POSTGRESQL
@pytest.mark.parametrize(
    "weather", [Weather(black_hole=True), Weather(answers_lost=True)], ids=["cut", "answers are lost"]
)
async def test_a_store_that_says_nothing(door: Door, settings: Settings, weather: Weather) -> None:
    headers = {"Authorization": f"Bearer {door.caller}", "Idempotency-Key": "once"}
    officer = {"Authorization": f"Bearer {door.approver}"}
    async with behind_a_cable(settings) as (client, cable):
        assert (await client.get("/readyz")).status_code == 200
        await cable.turn(weather)
        for _ in range(2):
            begun = time.monotonic()
            answer = await client.post("/v1/subscribers", json=PERSON, headers=headers)
            assert time.monotonic() - begun < DEADLINE + SOON
            assert "not known whether this took effect" in refusal(answer, 503)["detail"]
            assert answer.headers["retry-after"]
        assert (await client.get("/healthz")).status_code == 200
        refusal(await client.post("/v1/audience/preview", json=ASKED, headers=officer), 503)
        await cable.turn(FAIR)
        begun = time.monotonic()
        assert (await client.post("/v1/audience/preview", json=ASKED, headers=officer)).status_code == 200
        assert time.monotonic() - begun < SOON
        answer = await client.post("/v1/subscribers", json=PERSON, headers=headers)
        assert answer.status_code == 201, answer.text
        again = await client.post("/v1/subscribers", json=PERSON, headers=headers)
        assert (again.status_code, again.json()) == (201, answer.json())
    async with door.house.store.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Subscriber)) == 1


async def ready(client: httpx2.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def up(client: httpx2.AsyncClient) -> bool:
    return "geoalert_store_up 1.0" in (await client.get("/metrics")).text


@ON_POSTGRESQL
async def test_who_asks_how_we_are_is_told_soon(
    door: Door, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert door.caller
    monkeypatch.setattr(health, "PATIENCE", 0.5)
    monkeypatch.setattr(health, "FIGURES", 0.5)
    async with behind_a_cable(settings) as (client, cable):
        await cable.turn(Weather(black_hole=True))
        refusal(await client.get("/readyz"), 503)
        assert "geoalert_store_up 0.0" in (await client.get("/metrics")).text
        await cable.turn(FAIR)
        await until(lambda: ready(client), "it answers again")
        await until(lambda: up(client), "its figures say so")


async def test_a_client_that_stops_in_the_middle(door: Door, settings: Settings) -> None:
    slow = copy.deepcopy(settings)
    slow.api.deadline_s = 1.0
    app = create_app(slow)

    async def never_done() -> AsyncIterator[bytes]:
        yield b'{"text": '
        await asyncio.sleep(60)

    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://geoalert.test", timeout=60) as client:
            headers = {"Authorization": f"Bearer {door.author}", "Content-Type": "application/json"}
            answer = await asyncio.wait_for(
                client.post("/v1/wards/resolve", content=never_done(), headers=headers), SOON
            )
    assert answer.headers["content-type"] == PROBLEM
    refusal(answer, 408)
