"""Worker processes forked from one that has imported everything, so that a hundred of them cost seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess

from tests.chaos.dying import Errand, run
from tests.e2e.warm import WARM, exit_code, start
from tests.waiting import until

LIMIT = 60.0
FOR_EVER = 3_600.0
PAUSE = 0.3  # seconds before a worker that ended is started again


@asynccontextmanager
async def working(errand: Errand) -> AsyncIterator[ForkServerProcess]:
    """A worker for the length of a block; what is left of it at the end is killed."""
    process = WARM.Process(target=run, args=(errand,))
    await asyncio.to_thread(start, process)
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        process.close()


async def ended(process: ForkServerProcess, limit: float = LIMIT) -> int:
    """How it ended, as its parent is told: the negative of a signal's number."""
    await until(lambda: exit_code(process) is not None, "the worker ends", limit)
    code = exit_code(process)
    assert code is not None
    return code


async def stay(errand: Errand) -> None:
    """A worker, and another whenever it has ended, until this is cancelled."""
    while True:
        async with working(errand) as worker:
            await ended(worker, FOR_EVER)
        await asyncio.sleep(PAUSE)
