"""From an officer's POST to the provider's first call, with a whole city in the store."""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from bench.outbound.town import AWAY, HOME, Sink, found, sink
from geoalert.operations.demo_story import FLOOD

SERVING = re.compile(rb"serving on (http://\S+)/docs")
NEAR = 1_000  # people of the area that is warned


async def from_post_to_call(url: str, folder: Path, people: int, posts: int) -> dict[str, Any]:
    """Milliseconds, over `posts` broadcasts one after another, through a server and a worker of their own."""
    async with AsyncExitStack() as stack:
        provider = stack.enter_context(sink(5.0))
        town = await found(url, folder, provider.url, stack)
        await town.settle(NEAR, HOME)
        await town.settle(people - NEAR, AWAY, first=NEAR)
        err = stack.enter_context((folder / "serve.err").open("wb"))
        server = subprocess.Popen(  # noqa: ASYNC220 - ours
            [sys.executable, "-m", "geoalert.cli.main", "serve", "--port", "0"], env=town.env, stderr=err
        )
        try:
            with town.workers(1, 64, 1e6):
                address = await _address(folder / "serve.err")
                async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
                    while (await client.get("/readyz")).json().get("audience") == "store":  # noqa: ASYNC110
                        await asyncio.sleep(0.2)
                    taken = [await _one(client, town.disaster_credential, provider, n) for n in range(posts + 5)][5:]
        finally:
            server.terminate()
            server.wait(30)
    ordered = sorted(taken)
    return {
        "people": people,
        "posts": posts,
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


async def _one(client: httpx2.AsyncClient, credential: str, provider: Sink, number: int) -> float:
    provider.forget()
    body = {
        "category": "flood",
        "severity": "Extreme",
        "expires": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        "texts": FLOOD,
        "area": {"wards": ["kothrud-bavdhan"]},
        "channels": ["push"],
        "reason": f"the river rises, {number}",
    }
    begun = time.time()
    answer = await client.post("/v1/broadcasts", json=body, headers={"Authorization": f"Bearer {credential}"})
    assert answer.status_code < 300, answer.text
    while not (seen := provider.seen()) or next(iter(seen.values()))["tokens"] < NEAR:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return float(min(each["first"] for each in seen.values()) - begun) * 1_000


async def _address(err: Path) -> str:
    while not (match := SERVING.search(err.read_bytes())):  # noqa: ASYNC110, ASYNC240 - a bench
        await asyncio.sleep(0.1)
    address = match[1].decode()
    async with httpx2.AsyncClient(base_url=address) as client:
        while True:
            with suppress(httpx2.TransportError):
                await client.get("/healthz")
                return address
            await asyncio.sleep(0.1)
