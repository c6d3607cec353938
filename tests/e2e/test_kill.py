"""Workers that die, leave or freeze in the middle: everybody is told all the same, and nobody twice."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest

from geoalert.settings import Settings
from tests.conftest import Providers
from tests.e2e.crowd import LEASE, Crowd, worker_environment
from tests.workbench import Chain

SEED = 2_026
PUSH, SMS, POSTS = 1_000, 500, 3
EVERYBODY = PUSH + SMS + POSTS
WAKES = LEASE / 2  # seconds: longer than a channel may take under this lease


@pytest.fixture
async def crowd(chain: Chain, providers: Providers, settings: Settings, tmp_path: Path) -> Crowd:
    """Providers that take a tenth of a second for each request; nobody lives there yet."""
    providers.sandbox.mischief.change({"latency_ms": 100.0})
    env = worker_environment(settings, tmp_path / "keys.json", providers.credentials)
    return Crowd(chain, providers, tmp_path, env)


@pytest.mark.requirement("S002-14")
async def test_kill_9_in_mid_dispatch_loses_nobody_and_tells_nobody_twice(crowd: Crowd) -> None:
    await crowd.settle(push=PUSH, sms=SMS)
    identifier, released = await crowd.chain.broadcast(channels=("push", "sms", "post"))
    assert (released.people, released.audience) == (PUSH + SMS, EVERYBODY)
    chance = random.Random(SEED)  # noqa: S311 - a moment to kill at
    for _ in range(3):
        async with crowd.worker() as worker:
            await crowd.more_seen(chance.randint(50, 300))
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            worker.signal(signal.SIGKILL)
            assert (await worker.ended()).code == -signal.SIGKILL
    assert 0 < crowd.seen() < EVERYBODY
    async with crowd.worker() as worker:
        await crowd.all_done()
        worker.signal(signal.SIGTERM)
        assert (await worker.ended(10)).code == 0
    await crowd.check(identifier)


async def test_who_is_told_to_stop_gives_back_and_who_froze_overwrites_nothing(crowd: Crowd) -> None:
    await crowd.settle(push=600, sms=300)
    identifier, _ = await crowd.chain.sent()
    async with crowd.worker() as leaving:
        await crowd.more_seen(100)
        leaving.signal(signal.SIGTERM)
        ran = await leaving.ended(10)
    assert (ran.code, ran.lines[1:]) == (0, [])
    batches = await crowd.batches()
    assert {batch.state for batch in batches} <= {"queued", "done"}
    assert any(batch.state == "queued" for batch in batches)
    assert all(batch.lease_owner is None for batch in batches)

    async with crowd.worker() as frozen:
        await crowd.more_seen(100)
        await crowd.freeze(frozen)
        async with crowd.worker() as other:
            await crowd.all_done()
            finished = [(batch.id, batch.outcomes, batch.reasons) for batch in await crowd.batches()]
            frozen.signal(signal.SIGCONT)
            await asyncio.sleep(WAKES)
            assert [(batch.id, batch.outcomes, batch.reasons) for batch in await crowd.batches()] == finished
            for worker in (frozen, other):
                worker.signal(signal.SIGTERM)
                ran = await worker.ended(10)
                assert ran.code == 0, ran.err
                assert "Traceback" not in ran.err
    await crowd.check(identifier)
