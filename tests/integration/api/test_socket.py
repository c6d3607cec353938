"""The same application behind a real socket, as it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import uvicorn

from api.main import create_app
from geoalert.bootstrap import House
from geoalert.cli.serve import listen
from geoalert.settings import Settings
from tests.integration.api.conftest import refusal
from tests.waiting import until


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    bound = listen("127.0.0.1", 0)
    config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await until(lambda: server.started or task.done(), "the server has begun")
        assert not task.done(), "the server ended before it began"
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def test_it_is_served(house: House, settings: Settings) -> None:
    assert house.channels
    limit = settings.api.body_limit

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(limit // 65_536 + 2):
            yield b" " * 65_536

    async with served(settings) as base, httpx2.AsyncClient(base_url=base) as client:
        head = await client.head("/readyz")
        assert (head.status_code, head.content) == (200, b"")
        assert (await client.get("/readyz")).json()["status"] == "ready"
        found = (await client.get("/v1/locate", params={"lat": "18.5074", "lon": "73.8077"})).json()
        assert found["office"] == "Kothrud-Bavdhan"
        json_type = {"Content-Type": "application/json"}
        path = "/v1/messages/00000000-0000-0000-0000-000000000000/ack"
        refusal(await client.post(path, content=chunks(), headers=json_type), 413)
        refusal(await client.post(path, content=b" " * (3 * limit), headers=json_type), 413)
        refusal(await client.post(path, json={"ref": "1.2.x"}), 403, "/ref")
        answers = await asyncio.gather(*(client.get("/v1/alerts") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {401}
