"""A pager on a real socket: it answers by a script, and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SILENT = 0


@dataclass
class StandInPager:
    """`script` holds the next answers' statuses; then it takes everything."""

    url: str
    script: deque[int] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    elsewhere: int = 0
    at_once: dict[str, int] = field(default_factory=dict)  # requests under way by alarm
    most_at_once: int = 0

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(document["event"], document["key"]) for document in self.taken]

    async def hear(self, request: web.Request) -> web.Response:
        document = await request.json()
        key = document["key"]
        self.asked.append(document)
        self.headers.append(dict(request.headers))
        self.at_once[key] = self.at_once.get(key, 0) + 1
        self.most_at_once = max(self.most_at_once, self.at_once[key])
        try:
            status = self.script.popleft() if self.script else 204
            if status == SILENT:
                await asyncio.sleep(60)
            if status < 300:
                self.taken.append(document)
            return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})
        finally:
            self.at_once[key] -= 1

    async def wrong_door(self, _: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()


@asynccontextmanager
async def pager_running(*script: int) -> AsyncIterator[StandInPager]:
    app = web.Application()
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    pager = StandInPager("", deque(script))
    app.router.add_post("/page", pager.hear)
    app.router.add_route("*", "/elsewhere", pager.wrong_door)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pager.url = f"{site.name}/page"
    try:
        yield pager
    finally:
        await runner.cleanup()
