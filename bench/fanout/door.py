"""A preview as an officer's browser has it: over HTTP, a real socket, with a credential, of a process that stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import numpy as np
import shapely
import uvicorn

from api.main import create_app
from bench.fanout.crowd import CITY
from bench.fanout.rivals import PostGis
from geoalert.bootstrap import House
from geoalert.bootstrap.long_lived import settle
from geoalert.cli.serve import listen
from geoalert.departments import issue, name_officer
from geoalert.wards import Ward, load_city

CALLS = 60
RIVAL_CALLS = 10


@dataclass
class Door:
    """A client of an application that has loaded its grid."""

    client: aiohttp.ClientSession

    async def preview(self, wards: Sequence[str]) -> dict[str, Any]:
        body = {"area": {"wards": list(wards)}, "category": "water-supply", "severity": "Moderate"}
        async with self.client.post("/v1/audience/preview", json=body | {"channels": ["push"]}) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
        return found


async def previews(house: House, rival: PostGis) -> dict[str, dict[str, float]]:
    """ms, 95th percentile, by kind of area: ours, and the rivals' one number by plain SQL. All count alike."""
    taken: dict[str, dict[str, float]] = {}
    async with door(house) as opened:
        for kind, areas in preview_areas().items():
            shapes = [shapely.union_all([ward.geometry for ward in wards]) for wards in areas]
            codes = [[ward.code for ward in wards] for wards in areas]
            for wards, shape in zip(codes, shapes, strict=True):
                counts = {(await opened.preview(wards))["people"], await rival.count_stock(shape)}
                if len(counts) > 1:
                    raise SystemExit(f"the preview counts others than PostGIS in the {kind}: {counts}")
            taken[kind] = {
                "geoalert": await p95(opened.preview, codes, CALLS),
                "postgis": await p95(rival.count_stock, shapes, RIVAL_CALLS),
                "postgis tuned": await p95(rival.count_tuned, shapes, RIVAL_CALLS),
            }
    return taken


async def p95(ask: Callable[[Any], Awaitable[object]], areas: Sequence[Any], calls: int) -> float:
    """Over these areas in turn; ms from the question to the whole answer."""
    taken = []
    for call in range(calls):
        begun = time.perf_counter()
        await ask(areas[call % len(areas)])
        taken.append((time.perf_counter() - begun) * 1_000)
    return float(np.quantile(taken, 0.95))


def preview_areas() -> dict[str, list[list[Ward]]]:
    """By kind, of the wards in force today: two middling offices each alone, and every zone together."""
    tree, today = load_city(CITY).tree, datetime.now(UTC).date()
    offices = sorted(tree.offices(today), key=lambda ward: ward.area_km2)
    middle = len(offices) // 2 - 1
    return {"ward": [[ward] for ward in offices[middle : middle + 2]], "city": [list(tree.zones(today))]}


@asynccontextmanager
async def door(house: House) -> AsyncIterator[Door]:
    """Beside this house, over its store. Server and client share this process, so the client's work is counted, too."""
    async with house.store.writing() as session:
        officer = await name_officer(session, "water-supply", "Bench", "Engineer", ["nodal"])
        credential = await issue(session, "water-supply", officer=officer.reference)
    app = create_app(house.settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", ws="none"))
    bound = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not (server.started and app.state.house.grid.loaded):  # noqa: ASYNC110 - a bench may look again
            await asyncio.sleep(0.1)
        settle()  # as `geoalert serve` does
        headers = {"Authorization": f"Bearer {credential}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{bound.getsockname()[1]}", headers=headers) as client:
            yield Door(client)
    finally:
        server.should_exit = True
        await serving
