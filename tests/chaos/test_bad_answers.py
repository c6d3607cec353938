"""Providers that answer badly, before a whole worker: its slot is free again in time, what became of the recipients is
written down with a reason, and another channel goes on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import delete

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ProviderHealth
from geoalert.operations.demo_story import WATER
from geoalert.sandbox.credentials import write_credentials
from geoalert.sandbox.faults import Fault
from geoalert.settings import Settings
from geoalert.subscribers.codes import CHANNELS
from tests.chaos.extent import FULL
from tests.chaos.kept import kept
from tests.conftest import Providers
from tests.e2e.crowd import TOLD, Crowd, worker_environment
from tests.figures import Figure
from tests.waiting import until
from tests.workbench import Chain

MANY: Final = 10_000
LEASE: Final = "30"  # as it is by default: a third of it bounds what a channel may take
IN_TIME: Final = 10.0  # seconds a request may hold its slot
WRITING: Final = 3.0  # seconds for what a worker does around it, on a machine that is busy
SLOW: Final = 2  # requests: the message, and the question what became of it
HUGE: Final = f'{{"sid": "{"x" * 10_000_000}"}}'
ANSWERS: Final = {
    "nonsense": (Fault("twilio", "nonsense", MANY), Reason.NONSENSE),
    "10 MB": (Fault("twilio", "nonsense", MANY, body=HUGE), Reason.NONSENSE),
    "redirect": (Fault("twilio", "status", MANY, status=307, headers={"Location": "/healthz"}), Reason.NONSENSE),
    "cut off": (Fault("twilio", "reset_body", MANY), Reason.CONNECTION_LOST),
} | ({"30 s trickle": (Fault("twilio", "trickle", MANY, seconds=30.0), Reason.TIMEOUT)} if FULL else {})


@dataclass
class Bench:
    """One person on each of two channels, and a worker at work."""

    crowd: Crowd
    numbers: count[int]

    async def tell(self) -> None:
        number = next(self.numbers)
        texts = {language: text | {"headline": f"{text['headline']} ({number})"} for language, text in WATER.items()}
        await self.crowd.chain.sent(channels=("push", "sms"), texts=texts)

    async def newest(self, channel: str) -> Batch:
        return [batch for batch in await self.crowd.batches() if batch.channel == CHANNELS[channel]][-1]

    async def free(self, channel: str) -> bool:
        """Whether the newest batch was carried, and nobody has it in hand."""
        batch = await self.newest(channel)
        return batch.attempts > 0 and batch.state != "leased"


@asynccontextmanager
async def at_work(crowd: Crowd) -> AsyncIterator[Bench]:
    await crowd.settle(push=1, sms=1)
    async with kept("worker", folder=crowd.folder, env=crowd.env) as worker:
        await until(lambda: "carries" in worker.words(), "it is at work")
        yield Bench(crowd, count(1))
    assert worker.by_itself() == []


async def test_a_bad_answer_holds_no_slot_and_no_other_channel(
    chain: Chain, providers: Providers, settings: Settings, tmp_path: Path, figure: Figure
) -> None:
    env = worker_environment(settings, tmp_path / "keys.json", providers.credentials, GEOALERT_WORKER_LEASE=LEASE)
    slowest = {}
    async with at_work(Crowd(chain, providers, tmp_path, env)) as bench:
        for name, (fault, reason) in ANSWERS.items():
            async with chain.house.store.writing() as session:
                await session.execute(delete(ProviderHealth))  # as if nobody had found out about it yet
            providers.sandbox.mischief.script.clear()
            providers.sandbox.mischief.plan(fault)
            began = time.monotonic()
            await bench.tell()
            await until(lambda: bench.free("push"), f"push goes on: {name}", IN_TIME)
            assert set((await bench.newest("push")).outcomes) <= TOLD, name
            await until(lambda: bench.free("sms"), f"the slot is free: {name}", SLOW * IN_TIME + WRITING)
            slowest[name] = time.monotonic() - began
            batch = await bench.newest("sms")
            assert (set(batch.outcomes), set(batch.reasons)) == ({Outcome.UNCERTAIN}, {reason}), name
    limits = {name: (SLOW * IN_TIME if "trickle" in name else 0.0) + WRITING for name in slowest}
    assert {name for name in slowest if slowest[name] > limits[name]} == set()
    figure("slots are free after " + ", ".join(f"{name} {took:.1f} s" for name, took in slowest.items()))


@pytest.mark.parametrize("channel", ["push", "sms"])
async def test_what_is_no_tls_is_no_connection(
    channel: str, chain: Chain, providers: Providers, settings: Settings, tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt.json"
    secured = replace(providers.sandbox.credentials, base_url=providers.url.replace("http:", "https:"))
    write_credentials(spoilt, secured)
    env = worker_environment(settings, tmp_path / "keys.json", spoilt, GEOALERT_WORKER_LEASE=LEASE)
    async with at_work(Crowd(chain, providers, tmp_path, env)) as bench:
        await bench.tell()
        await until(lambda: bench.free(channel), "the slot is free", IN_TIME + WRITING)
        batch = await bench.newest(channel)
        assert (batch.state, set(batch.outcomes)) == ("queued", {Outcome.PENDING})
        assert set(batch.reasons) == {Reason.NOT_CONNECTED}
    assert bench.crowd.seen() == 0
