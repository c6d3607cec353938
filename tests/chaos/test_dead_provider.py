"""A provider that is dead for a while: an emergency leaves through the other one, nobody asks the dead one more than
once at a time, and its share comes back when it does.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import select, update

from geoalert.dispatch.channels.sms_twilio import TwilioSms
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.engine import engine_for
from geoalert.dispatch.handed import provider_of
from geoalert.dispatch.tables import Batch, ProviderHealth
from geoalert.dispatch.worker import work
from geoalert.operations.demo_story import WATER
from geoalert.sandbox import listen, running, sandbox_credentials
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.credentials import Credentials
from geoalert.sandbox.faults import Fault
from geoalert.store import open_store
from geoalert.store.keys import read_keys
from tests.chaos.cells import settle
from tests.chaos.extent import FULL
from tests.chaos.fault_proxy import FAIR, FaultProxy, Weather, proxied
from tests.conftest import Providers
from tests.e2e.warm import WARM
from tests.figures import Figure
from tests.waiting import until
from tests.workbench import Chain

PEOPLE: Final = 10_000 if FULL else 300
IN_TIME: Final = 60.0  # seconds in which so large a share
SHARE: Final = 0.99  # has left through the other one
WATCHED: Final = 600.0 if FULL else 2.0  # seconds for which it stays dead, at least
RATE: Final = 400.0
LEASE: Final = 6.0
# A black hole takes longest: those whom it swallowed are in doubt, and told again after half a minute.
HOW: Final = ("answers 503", "refuses", "black hole") if FULL else ("answers 503",)
MINUTES: Final = timedelta(minutes=3)  # longer than a share takes to grow back


@dataclass(frozen=True)
class Two:
    """What a worker process needs to reach two accounts, each at a provider of its own."""

    url: str
    keys: Path
    accounts: tuple[tuple[str, int, str, Credentials], ...]  # name, weight, endpoint


def carry(two: Two) -> None:
    """The process."""
    asyncio.run(_carry(two))


async def _carry(two: Two) -> None:
    store = open_store(two.url, read_keys(two.keys))
    channels = {
        name: TwilioSms(
            account=credentials.twilio_account,
            token=credentials.twilio_token,
            sender=credentials.twilio_sender,
            callback="http://127.0.0.1:9/hook",
            endpoint=endpoint,
            rate=RATE,
            rehearsal=True,
            provider=name,
            weight=weight,
        )
        for name, weight, endpoint, credentials in two.accounts
    }
    name, lease = f"worker {os.getpid()}", timedelta(seconds=LEASE)
    await work(Courier(store, channels, name, random.random, lease), engine_for(store))


@dataclass
class Pair:
    chain: Chain
    first: Sandbox
    second: Sandbox
    cable: FaultProxy  # to the first

    def told(self) -> tuple[int, int]:
        """How many each provider took; nobody the same twice."""
        counts = [each.channels()["sms"] for each in (self.first, self.second)]
        assert [each["doubled"] for each in counts] == [0, 0]
        return counts[0]["recipients"], counts[1]["recipients"]

    async def kill(self, how: str) -> None:
        if how == "answers 503":
            self.first.mischief.plan(Fault("twilio", "status", 100_000, status=503))
        else:
            await self.cable.turn(Weather(refuses=how == "refuses", black_hole=how == "black hole"))

    async def heal(self) -> None:
        self.first.mischief.script.clear()
        await self.cable.turn(FAIR)

    async def health(self) -> ProviderHealth:
        async with self.chain.house.store.reading() as session:
            query = select(ProviderHealth).where(ProviderHealth.provider == "first")
            return (await session.scalars(query)).one()

    async def left_alone(self, *, or_done: bool = False) -> bool:
        """Whether the first was given up; or whether what was sent has come to its end."""
        return (await self.health()).opens > 0 or (or_done and await self.done())

    def asked(self) -> int:
        """How often the first was asked for anything; where it refuses connections nobody can count them."""
        requests = self.first.mischief.requests.get("twilio", 0)
        return requests or self.cable.begun

    async def watched(self, ends: float, opens: int) -> bool:
        """Until then, and until it was asked in vain once more: in the short form by putting its time on."""
        if not FULL:
            await put_on(self, "open_until")
        return time.monotonic() > ends and (await self.health()).opens > opens

    async def newest(self) -> list[Batch]:
        """The batches of the newest message."""
        async with self.chain.house.store.reading() as session:
            batches = list(await session.scalars(select(Batch)))
        return [batch for batch in batches if batch.message_id == max(each.message_id for each in batches)]

    async def done(self) -> bool:
        return all(batch.state == "done" for batch in await self.newest())

    async def carried_by(self) -> set[str]:
        return {provider_of(batch, at) for batch in await self.newest() for at in range(batch.size)}


@asynccontextmanager
async def a_pair(chain: Chain, providers: Providers, folder: Path) -> AsyncIterator[Pair]:
    """Both, and a worker at work that gives the second only what the first cannot take."""
    async with AsyncExitStack() as stack:
        bound = listen()
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        second = await stack.enter_async_context(running(sandbox_credentials(url), bound))
        first = providers.sandbox
        cable = await stack.enter_async_context(proxied(int(providers.url.rpartition(":")[2])))
        accounts = (
            ("first", 100, f"http://127.0.0.1:{cable.port}", first.credentials),
            ("second", 0, url, second.credentials),
        )
        written = chain.house.store.engine.url.render_as_string(hide_password=False)
        process = WARM.Process(target=carry, args=(Two(written, folder / "keys.json", accounts),))
        await asyncio.to_thread(process.start)
        try:
            yield Pair(chain, first, second, cable)
            assert process.exitcode is None, "the worker ended"
        finally:
            process.kill()
            await asyncio.to_thread(process.join)


async def tell(pair: Pair) -> None:
    """Routine work, in words of its own."""
    number = next(pair.chain.numbers)
    texts = {language: text | {"headline": f"{text['headline']} ({number})"} for language, text in WATER.items()}
    await pair.chain.sent(channels=("sms",), texts=texts)


async def put_on(pair: Pair, column: str) -> None:
    """Minutes have passed for this moment of the first's row."""
    if (moment := getattr(await pair.health(), column)) is not None:
        async with pair.chain.house.store.writing() as session:
            mine = update(ProviderHealth).where(ProviderHealth.provider == "first")
            await session.execute(mine.values({column: moment - MINUTES}))


async def let_back(pair: Pair) -> None:
    """The first works again: it is tried, and in the end all of routine work is its own, as before."""
    await pair.heal()
    await put_on(pair, "open_until")

    async def tried() -> bool:
        return (await pair.health()).open_until is None

    await until(tried, "somebody asks it")
    while (await pair.health()).returning_since is not None:
        await tell(pair)
        await until(pair.done, "all are told", IN_TIME)
        await put_on(pair, "returning_since")
    await tell(pair)
    await until(pair.done, "all are told", IN_TIME)
    assert await pair.carried_by() == {"first"}


@pytest.mark.parametrize("how", HOW)
async def test_an_emergency_leaves_through_the_other_one(
    how: str, chain: Chain, providers: Providers, tmp_path: Path, figure: Figure
) -> None:
    await settle(chain, PEOPLE)
    async with a_pair(chain, providers, tmp_path) as pair:
        await pair.kill(how)
        began = time.monotonic()
        await chain.broadcast(channels=("sms",))
        await until(lambda: pair.told()[1] >= SHARE * PEOPLE, f"{SHARE:.0%} have left through the other one", IN_TIME)
        took = time.monotonic() - began
        await until(pair.done, "the rest, too", IN_TIME)
        while not await pair.left_alone():
            await tell(pair)
            await until(partial(pair.left_alone, or_done=True), "it has failed often enough", IN_TIME)
        await asyncio.sleep(LEASE / 2)  # what was under way then has ended
        asked, opens = pair.asked(), (await pair.health()).opens
        await until(
            partial(pair.watched, time.monotonic() + WATCHED, opens), "it is asked again", 2 * WATCHED + IN_TIME
        )
        asked, opens = pair.asked() - asked, (await pair.health()).opens - opens
        await let_back(pair)
        pair.told()
    # Whoever asks in vain leaves it alone for longer; one more may be about to.
    assert asked <= opens + 1
    assert opens > 0
    figure(
        f"the first {how}: {SHARE:.0%} of {PEOPLE:,} left through the second in {took:.1f} s; the first was asked "
        f"{asked} times in {WATCHED:.0f} s or more, once at a time, and carries all again"
    )
