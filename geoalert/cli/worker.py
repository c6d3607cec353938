"""`geoalert worker`: carries batches until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import typer

from geoalert.bootstrap import House
from geoalert.cli.console import err
from geoalert.cli.inside import in_house
from geoalert.dispatch.worker import work


def worker(
    with_parent: bool = typer.Option(False, "--with-parent", hidden=True, help="Stop when the starter is gone."),
) -> None:
    """Carry batches; any number of workers may run, on any number of machines. Ctrl-C finishes the chunk in hand."""

    async def carry(house: House) -> None:
        courier = house.courier()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, courier.stopping.set)
        watcher = asyncio.create_task(_with_parent(courier.stopping)) if with_parent else None
        err.print(f"worker {os.getpid()} carries {', '.join(house.channels) or 'nothing: no provider is configured'}")
        try:
            await work(courier, house.desk.engine)
        finally:
            if watcher is not None:
                watcher.cancel()

    in_house(carry)


async def _with_parent(stopping: asyncio.Event) -> None:
    """Sets `stopping` once this process has been orphaned."""
    parent = os.getppid()
    while os.getppid() == parent:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 0.5)
    stopping.set()
