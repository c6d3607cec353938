"""`geoalert worker`: carries batches until it is told to stop, or the store is of another schema."""

from __future__ import annotations

import asyncio
import os
from typing import NoReturn

from geoalert.bootstrap import House, collect_traces, until_outdated
from geoalert.bootstrap.long_lived import settle
from geoalert.cli.console import err
from geoalert.cli.inside import in_house
from geoalert.cli.orphan import WITH_PARENT, on_stop
from geoalert.dispatch.worker import work
from geoalert.errors import Refusal, Unavailable
from geoalert.operations.schedule import keep_schedule


def _end(why: Refusal) -> NoReturn:
    """At once: tidying up goes by connections that are gone, or by a schema that is not ours, and can take for ever."""
    err.print(f"refused: {why.reason}", markup=False)
    os._exit(1)


def worker(with_parent: int = WITH_PARENT) -> None:
    """Carry batches; any number of workers may run, on any number of machines. Ctrl-C finishes the chunk in hand."""

    async def carry(house: House) -> None:
        courier = house.courier()
        watching = on_stop(courier.stopping.set, with_parent)
        outdated = asyncio.create_task(until_outdated(house.store))
        outdated.add_done_callback(lambda _: courier.stopping.set())
        err.print(f"worker {os.getpid()} carries {', '.join(house.channels) or 'nothing: no provider is configured'}")
        settle()
        keeping = asyncio.create_task(keep_schedule(house.desk, courier.stopping))
        try:
            await work(courier, house.desk.engine, house.watch())
        except Unavailable as gone:
            _end(gone)
        finally:
            watching.cancel()
            await keeping
        if house.store.outdated.is_set():
            _end(await outdated)
        outdated.cancel()

    collect_traces("worker")
    in_house(carry)
