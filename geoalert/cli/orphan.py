"""A process that was started for another ends with it, however that other ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import typer

WITH_PARENT = typer.Option(0, "--with-parent", hidden=True, help="End when this process is no longer the parent.")
LOOK = 0.5  # seconds


def on_stop(stop: Callable[[], object], parent: int) -> asyncio.Task[None]:
    """Calls `stop` on SIGTERM, on Ctrl-C, and when `parent` (0: nobody) is gone; keep the task it returns."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return asyncio.create_task(_watch(stop, parent))


async def _watch(stop: Callable[[], object], parent: int) -> None:
    while parent:
        await asyncio.sleep(LOOK)
        if os.getppid() != parent:
            stop()
            return
