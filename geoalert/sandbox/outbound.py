"""Calls the sandbox makes: status callbacks and acknowledgements, through one pooled session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

_TRIES = 6
_FIRST_PAUSE = 0.2  # seconds, doubled at each try
_FAILED = 500


@dataclass(frozen=True, slots=True)
class Call:
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(repr=False)
class Outbound:
    """At most `most` calls wait and `lanes` are under way; what would be more is dropped and counted."""

    most: int = 500_000
    lanes: int = 32
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    _queue: asyncio.Queue[tuple[Call, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._queue = asyncio.Queue(self.most)

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    def post(self, *calls: Call) -> None:
        """Posts the calls one after the other, soon."""
        try:
            self._queue.put_nowait(calls)
        except asyncio.QueueFull:
            self.dropped += len(calls)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=10)
        connector = aiohttp.TCPConnector(limit=self.lanes)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            tasks = [asyncio.create_task(self._lane(session)) for _ in range(self.lanes)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _lane(self, session: aiohttp.ClientSession) -> None:
        while True:
            for call in await self._queue.get():
                if await _delivered(session, call):
                    self.sent += 1
                else:
                    self.failed += 1


async def _delivered(session: aiohttp.ClientSession, call: Call) -> bool:
    """Whether somebody answered; a server in trouble or away is tried again a few times."""
    pause = _FIRST_PAUSE
    for attempt in range(_TRIES):
        if attempt:
            await asyncio.sleep(pause)
            pause *= 2
        try:
            async with session.post(call.url, data=call.body, headers=call.headers, allow_redirects=False) as answer:
                await answer.read()
                if answer.status < _FAILED:
                    return True
        except (aiohttp.ClientError, TimeoutError, OSError):
            continue
    return False
