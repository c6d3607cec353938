"""Waiting for what comes by itself, without guessing how long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

STEP = 0.02  # seconds


async def until(done: Callable[[], object | Awaitable[object]], what: str, limit: float = 60.0) -> None:
    """Waits until `done` says so; fails by name when it does not."""
    clock = asyncio.get_running_loop()
    ends = clock.time() + limit
    while True:
        answer = done()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        assert clock.time() < ends, f"not within {limit} s: {what}"
        await asyncio.sleep(STEP)
