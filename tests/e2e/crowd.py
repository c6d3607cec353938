"""A few thousand people, a released alert, and workers in processes of their own to carry it."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.tables import Batch
from geoalert.settings import Settings
from geoalert.subscribers import make_person, register
from geoalert.subscribers.codes import CHANNEL_NAMES
from geoalert.subscribers.person import Person, Point
from tests.conftest import Providers
from tests.e2e.commands import Running, environment, running
from tests.waiting import until
from tests.workbench import KOTHRUD, Chain

LANGUAGES = ("mr", "hi", "en")
LEASE = 3.0
TOLD = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED})


def person(number: int, channels: tuple[str, ...]) -> Person:
    values = {"push": f"test-token-{number:06d}", "sms": f"+915{number:09d}"}
    return make_person(
        addresses={name: values[name] for name in channels},
        channels=channels,
        points=[Point(*KOTHRUD)],
        language=LANGUAGES[number % 3],
        consent="test",
    )


@dataclass
class Crowd:
    """The chain's house, seen by a test that starts and stops workers beside it."""

    chain: Chain
    providers: Providers
    folder: Path
    env: Mapping[str, str]
    numbers: count[int] = field(default_factory=lambda: count(1))

    async def settle(self, **people: int) -> None:
        """So many people by channel."""
        for channel, wanted in people.items():
            group = [person(next(self.numbers), (channel,)) for _ in range(wanted)]
            async with self.chain.house.store.writing() as session:
                await register(session, group, "test")

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Running]:
        async with running("worker", cwd=self.folder, env=self.env, name=f"worker{next(self.numbers)}") as worker:
            yield worker

    async def freeze(self, worker: Running, limit: int = 100) -> None:
        """Stops it while it sends, between two transactions: stopped inside one, it would keep its locks."""
        for _ in range(limit):
            worker.signal(signal.SIGSTOP)
            if await self._free() and any(Outcome.SENDING in batch.outcomes for batch in await self.batches()):
                return
            worker.signal(signal.SIGCONT)
            await asyncio.sleep(0.05)  # long enough to leave the transaction it was in
        pytest.fail(f"not once in {limit} tries")

    async def _free(self) -> bool:
        store = self.chain.house.store
        try:
            if store.dialect == "sqlite":
                with closing(
                    sqlite3.connect(store.engine.url.database or "", timeout=0.2, isolation_level=None)
                ) as file:
                    file.execute("BEGIN IMMEDIATE")
            else:
                async with store.writing() as session:
                    await session.execute(text("SET LOCAL lock_timeout = '200ms'"))
                    await session.execute(select(Batch.id).with_for_update())
        except (sqlite3.OperationalError, DBAPIError):
            return False
        return True

    def seen(self) -> int:
        """Recipients the providers know, all channels together."""
        return sum(len(each) for each in self.providers.sandbox.inbox.recipients.values())

    async def more_seen(self, count: int, limit: float = 60.0) -> None:
        wanted = self.seen() + count
        await until(lambda: self.seen() >= wanted, f"{wanted} are told", limit)

    async def batches(self) -> list[Batch]:
        async with self.chain.house.store.reading() as session:
            return list(await session.scalars(select(Batch).order_by(Batch.id)))

    async def all_done(self, limit: float = 60.0) -> None:
        async def done() -> bool:
            return all(batch.state == "done" for batch in await self.batches())

        await until(done, "every batch is done", limit)

    async def check(self, identifier: str) -> None:
        """Everybody told, none twice, nothing lost, and the books agree with the providers'."""
        report = await self.chain.report(identifier)
        assert report["balanced"]
        ledger: Counter[str] = Counter()
        for batch in await self.batches():
            assert batch.state == "done"
            assert len(owners_in(batch.recipients)) == len(batch.outcomes) == batch.size
            assert set(batch.outcomes) <= TOLD, Counter(batch.outcomes)
            ledger[CHANNEL_NAMES[batch.channel]] += batch.size
        seen = self.providers.sandbox.channels()
        assert {name: seen[name]["recipients"] for name in ledger} == dict(ledger)
        doubled = {name: seen[name]["doubled"] for name in ledger if seen[name]["doubled"]}
        assert not doubled, doubled


def worker_environment(settings: Settings, keys: Path, credentials: Path, **changes: str) -> dict[str, str]:
    """Where a worker finds the test's store, slowed so that a few thousand take some seconds."""
    ours = {
        "GEOALERT_STORE_URL": settings.store.url,
        "GEOALERT_STORE_KEY_FILE": str(keys),
        "GEOALERT_SANDBOX_CREDENTIALS": str(credentials),
        "GEOALERT_SANDBOX_PUSH_RATE": "400",
        "GEOALERT_SANDBOX_SMS_RATE": "200",
        "GEOALERT_WORKER_LEASE": str(LEASE),
        "GEOALERT_API_PUBLIC_URL": "http://127.0.0.1:9",  # the discard port: nobody hears the callbacks
    }
    return environment(**ours | changes)
