"""A worker process that stops itself at a named step: our courier, watched through what it is given to work with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Chunk, Idempotency, SendResult
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.engine import engine_for
from geoalert.dispatch.worker import work
from geoalert.errors import Unavailable
from geoalert.store import Store, open_store
from geoalert.store.keys import read_keys
from tests.chaos.sink import SinkChannel

STEPS: Final = ("after claim", "after mark", "during send", "after send", "before commit", "after commit")


@dataclass(frozen=True)
class Errand:
    """What a worker is to do, and where it ends; all of it can be handed to another process. Without a batch it does
    what a worker does until it is stopped.
    """

    url: str
    keys: Path
    channel: str
    provider: str
    kind: Idempotency
    port: int
    batch: int | None
    step: str
    lease: float
    number: signal.Signals = signal.SIGKILL
    chunk: int = 2


@dataclass
class Moment:
    """Where this process is, and where it stops."""

    step: str
    number: signal.Signals
    sent: bool = False

    def reach(self, step: str) -> None:
        if step == self.step:
            self.step = ""  # who is woken goes on
            os.kill(os.getpid(), self.number)


class WatchedStore(Store):
    moment: Moment

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        async with super().writing() as session:
            yield session
            if self.moment.sent:
                await session.flush()
                self.moment.reach("before commit")
        self.moment.reach("after commit" if self.moment.sent else "after claim")
        self.moment.sent = False


@dataclass
class WatchedChannel(SinkChannel):
    moment: Moment | None = None

    async def send(self, chunk: Chunk) -> list[SendResult]:
        assert self.moment is not None
        self.moment.reach("after mark")
        results = await super().send(chunk)
        self.moment.reach("after send")
        self.moment.sent = True
        return results

    def left(self, *, ask: bool) -> None:
        if self.moment is not None and not ask:
            self.moment.reach("during send")


def run(errand: Errand) -> None:
    """The process. Where its store fails it ends, as a worker does."""
    try:
        asyncio.run(_run(errand))
    except (Unavailable, DBAPIError, OSError):
        sys.exit(1)


async def _run(errand: Errand) -> None:
    moment = Moment(errand.step, errand.number)
    opened = open_store(errand.url, read_keys(errand.keys))
    store = WatchedStore(opened.engine, opened.keys, opened.shift)
    store.moment = moment
    channel = WatchedChannel(
        errand.channel, errand.provider, errand.kind, errand.port, chunk=errand.chunk, moment=moment
    )
    courier = Courier(
        store=store,
        channels={errand.provider: channel},
        owner=f"worker {os.getpid()}",
        spread=lambda: 0.5,
        lease=timedelta(seconds=errand.lease),
    )
    if errand.batch is None:
        await work(courier, engine_for(store))
    else:
        await courier.carry(errand.batch)
    await channel.close()
    await store.close()
