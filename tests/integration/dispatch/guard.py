"""Watchers over a depot whose every look and every minute a test decides, and the pager they tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from geoalert.bootstrap import House, open_house
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.tables import Alarm
from geoalert.dispatch.watch import Watch
from tests.e2e.commands import environment
from tests.e2e.warm import Shell
from tests.integration.dispatch.pagers import StandInPager

if TYPE_CHECKING:
    from tests.integration.dispatch.conftest import Depot  # which has the fixture of what is made here

BEARER = "a-token-of-the-pager"
BEGUN, ENDED = ("alarm", "halt:twilio:0"), ("ended", "halt:twilio:0")


@dataclass
class Guard:
    """A depot with its watchers; `later` moves the clock of all their stores."""

    depot: Depot
    pager: StandInPager
    watches: list[Watch] = field(default_factory=list)
    made: list[Watch] = field(default_factory=list)

    def watch(self, house: House | None = None) -> Watch:
        made = (house or self.depot.chain.house).watch()
        self.watches.append(made)
        self.made.append(made)
        return made

    async def look(self) -> None:
        await asyncio.gather(*(watch.look() for watch in self.watches))
        await asyncio.gather(*(watch.settled() for watch in self.watches))
        await asyncio.gather(*(watch.look() for watch in self.watches))
        await asyncio.gather(*(watch.settled() for watch in self.watches))

    def later(self, **time: float) -> None:
        for store in {id(watch.store): watch.store for watch in self.watches}.values():
            store.shift += timedelta(**time)

    def environment(self, **changes: str) -> dict[str, str]:
        settings = self.depot.chain.house.settings
        return environment(
            GEOALERT_STORE_URL=settings.store.url,
            GEOALERT_STORE_KEY_FILE=str(settings.store.key_file),
            GEOALERT_SANDBOX_CREDENTIALS=str(settings.sandbox.credentials),
            **changes,
        )

    def shell(self, folder: Path) -> Shell:
        return Shell(folder, self.environment())

    async def refuse_the_credential(self) -> None:
        """One SMS is refused for our credential: the provider stands still."""
        await self.depot.settle(1, "sms")
        self.depot.spoil("twilio", "status", status=401)
        await self.depot.chain.sent(channels=("sms",))
        await self.depot.carry()
        assert await self.depot.outcomes() == {Outcome.PENDING: 1}

    async def alarms(self) -> dict[str, Alarm]:
        async with self.depot.chain.house.store.reading() as session:
            return {row.key: row for row in await session.scalars(select(Alarm))}


@asynccontextmanager
async def another(guard: Guard) -> AsyncIterator[House]:
    """Another process on the same store."""
    async with open_house(guard.depot.chain.house.settings) as house:
        await house.refresh()
        yield house
