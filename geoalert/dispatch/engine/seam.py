"""The two functions a queue engine owes us. It may lose everything it holds: the batches are in our tables, and
whoever runs the engine sweeps for those it forgot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.plan import EMERGENCY, Announced
from geoalert.subscribers.codes import CHANNEL_NAMES

Handler = Callable[[int], Awaitable[timedelta | None]]
"""Carries one batch; returns when it wants to be called again for it, or None."""

LANES = ("emergency", "routine")
CONCURRENCY = {"emergency": 4, "routine": 4}  # batches at one time per worker, lane and channel
UNKNOWN = "unknown"  # a channel this program does not know: any worker may set such a batch aside
SWEEP_LIMIT = 500


def lane_of(batch: Announced) -> str:
    """The lane a batch runs in: emergencies have slots of their own, and a slow channel blocks no other."""
    lane = LANES[0] if batch.priority <= EMERGENCY else LANES[1]
    return f"{lane}.{CHANNEL_NAMES.get(batch.channel, UNKNOWN)}"


def lanes(channels: Iterable[str]) -> dict[str, int]:
    """Every lane of these channels (names) with its concurrency. A worker hears of nothing else."""
    return {f"{lane}.{channel}": CONCURRENCY[lane] for channel in {*channels, UNKNOWN} for lane in LANES}


class Engine(Protocol):
    """Wakes workers."""

    async def enqueue(self, session: AsyncSession, batches: Sequence[Announced]) -> None:
        """Announces batches in the caller's transaction; nothing is announced if it rolls back."""

    async def run(self, handler: Handler, channels: Collection[str], stopping: asyncio.Event) -> None:
        """Calls the handler for every due batch of these channels (by name) until `stopping` is set; running calls end
        first.
        """
