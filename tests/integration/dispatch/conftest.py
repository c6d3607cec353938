"""Released batches on each store, the real sandbox, and a courier whose every step a test decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from geoalert.dispatch.channels.push_fcm import FcmPush
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.sandbox.faults import Fault
from geoalert.store import Base, database_now
from geoalert.subscribers.tables import Subscriber
from tests.conftest import Providers
from tests.integration.dispatch.guard import BEARER, Guard
from tests.integration.dispatch.pagers import pager_running
from tests.waiting import until
from tests.workbench import Chain

AGO = timedelta(seconds=10)


@dataclass
class Depot:
    """The chain's house with its batches laid open."""

    chain: Chain
    providers: Providers

    def __post_init__(self) -> None:
        self.courier = self.chain.house.courier()

    async def settle(self, count: int, channel: str = "push", **wishes: Any) -> list[int]:
        return [await self.chain.settle(channels=(channel,), **wishes) for _ in range(count)]

    async def batches(self) -> list[Batch]:
        async with self.chain.house.store.reading() as session:
            return list(await session.scalars(select(Batch).order_by(Batch.id)))

    async def batch(self) -> Batch:
        (found,) = await self.batches()
        return found

    async def carry(self) -> list[timedelta | None]:
        """Carries every batch, once; returns when each wants to be carried again."""
        return [await self.courier.carry(batch.id) for batch in await self.batches()]

    async def outcomes(self) -> Counter[Outcome]:
        """Over all batches."""
        return Counter(outcome for batch in await self.batches() for outcome in outcomes(batch))

    async def change(self, table: type[Base], **values: Any) -> None:
        """What the world did meanwhile, to every row."""
        async with self.chain.house.store.writing() as session:
            await session.execute(update(table).values(**values))

    async def later(self) -> None:
        """Time has passed: what waits is due now."""
        async with self.chain.house.store.writing() as session:
            now = await database_now(session)
            await session.execute(update(Batch).where(Batch.state == "queued").values(not_before=now - AGO))

    async def awake(self) -> None:
        """Nobody's quiet hours run any more, and what waited for their end is due."""
        await self.change(Subscriber, quiet_from=None, quiet_to=None)
        await self.later()

    def spoil(self, provider: str, kind: Any, times: int = 1, **how: Any) -> None:
        """Scripts the provider's next answers."""
        self.providers.sandbox.mischief.plan(Fault(provider, kind, times, **how))

    def seen(self, channel: str = "push") -> tuple[int, int, int]:
        """What the provider took: requests, recipients, and how many of those were told twice."""
        counts = self.providers.sandbox.channels()[channel]
        return counts["requests"], counts["recipients"], counts["doubled"]

    @asynccontextmanager
    async def pushing(self, *, rate: float = 2_000.0, rehearsal: bool = True) -> AsyncIterator[Courier]:
        """A courier whose push channel takes `rate` a second, half of it in a chunk."""
        credentials = self.providers.sandbox.credentials
        channel = FcmPush(
            credentials.service_account, endpoint=credentials.fcm_endpoint, rate=rate, rehearsal=rehearsal
        )
        try:
            yield replace(self.courier, channels={"fcm": channel})
        finally:
            await channel.close()

    async def first_chunk(self) -> None:
        """Waits until something arrived."""
        await until(lambda: self.seen()[1], "something arrived")


def outcomes(batch: Batch) -> list[Outcome]:
    return [Outcome(code) for code in batch.outcomes]


def reasons(batch: Batch) -> set[Reason]:
    return {Reason(code) for code in batch.reasons}


@pytest.fixture
async def depot(chain: Chain, providers: Providers) -> Depot:
    return Depot(chain, providers)


@pytest.fixture
async def guard(depot: Depot) -> AsyncIterator[Guard]:
    """A depot whose alarms go to a pager."""
    async with pager_running() as pager:
        settings = depot.chain.house.settings
        settings.pager.url, settings.pager.token = SecretStr(pager.url), SecretStr(BEARER)
        made = Guard(depot, pager)
        yield made
        for watch in made.made:
            await watch.close()
