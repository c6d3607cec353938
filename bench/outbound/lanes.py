"""An Extreme message while a million routine recipients wait: how soon it begins, and what of the speed it has."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.outbound.sink import BUCKET
from bench.outbound.town import AWAY, HOME, Sink, Town, found, sink
from geoalert.alerts.tables import Message
from geoalert.dispatch.standing import standings

RATE = 2_000.0  # recipients a second: what the provider takes
HADAPSAR = "hadapsar-mundhwa"
LATENCY = 20.0


async def beside_routine(url: str, folder: Path, routine: int, urgent: int, runs: int) -> dict[str, Any]:
    """Medians over `runs` emergencies, each while routine work is in full swing."""
    async with AsyncExitStack() as stack:
        provider = stack.enter_context(sink(LATENCY))
        town = await found(url, folder, provider.url, stack)
        far = min(routine, 100_000)
        await town.settle(far, AWAY)
        await town.settle(urgent, HOME, first=far)
        for _ in range(routine // far):
            await town.sent(HADAPSAR)
        asked = await _was_told(town, far)
        firsts, shares, others = [], [], []
        with town.workers(1, 256, RATE):
            while not provider.seen():  # noqa: ASYNC110 - a bench
                await asyncio.sleep(0.1)
            for _ in range(runs):
                before = set(provider.seen())
                begun = time.time()
                await town.broadcast()
                await _over(provider, before, urgent)
                seen = provider.seen()
                (mine,) = [seen[name] for name in seen if name not in before and seen[name]["tokens"] >= urgent]
                firsts.append(mine["first"] - begun)
                share, other = _shares(mine, [seen[name] for name in seen if seen[name] is not mine])
                shares.append(share)
                others.append(other)
        return {
            "routine": routine,
            "urgent": urgent,
            "runs": runs,
            "first_s": statistics.median(firsts),
            "first_worst_s": max(firsts),
            "share": statistics.median(shares),
            "routine_share": statistics.median(others),
            "was_told_ms": asked,
        }


async def _was_told(town: Town, people: int) -> float:
    """Milliseconds to find where one person stands in all these messages; the median of some."""
    taken = []
    async with town.house.store.reading() as session:
        ids = list(await session.scalars(select(Message.id)))
    for owner in range(1, people, people // 20):
        async with town.house.store.reading() as session:
            begun = time.perf_counter()
            assert await standings(session, ids, owner)
            taken.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(taken)


async def _over(provider: Sink, before: set[str], urgent: int) -> None:
    while True:
        seen = provider.seen()
        if any(each["tokens"] >= urgent for name, each in seen.items() if name not in before):
            return
        await asyncio.sleep(0.25)


def _shares(mine: dict[str, Any], others: list[dict[str, Any]]) -> tuple[float, float]:
    """Of what arrived while the emergency was under way, its part and the rest's."""
    first, last = int(mine["first"] / BUCKET) + 1, int(mine["last"] / BUCKET)
    span = {str(bucket) for bucket in range(first, max(last, first + 1))}
    own = sum(count for bucket, count in mine["by_time"].items() if bucket in span)
    rest = sum(count for other in others for bucket, count in other["by_time"].items() if bucket in span)
    return own / max(own + rest, 1), rest / max(own + rest, 1)
