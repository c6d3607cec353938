"""The two functions a queue engine owes us. It may lose everything it holds: the batches are in our tables, and
whoever runs the engine sweeps for those it forgot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

Handler = Callable[[int], Awaitable[timedelta | None]]
"""Carries one batch; returns when it wants to be called again for it, or None."""

LANES = ("emergency", "routine")
CONCURRENCY = {"emergency": 4, "routine": 4}  # batches at one time per worker and lane
SWEEP_LIMIT = 500


def lane_of(priority: int) -> str:
    """The lane a batch of this priority runs in; the emergency lane has workers of its own."""
    return LANES[0] if priority <= 1 else LANES[1]


class Engine(Protocol):
    """Wakes workers."""

    async def enqueue(self, session: AsyncSession, ids: Sequence[int], priority: int) -> None:
        """Announces batches in the caller's transaction; nothing is announced if it rolls back."""

    async def run(self, handler: Handler, stopping: asyncio.Event) -> None:
        """Calls the handler for every due batch until `stopping` is set, then lets running calls end."""
