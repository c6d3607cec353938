"""What a worker keeps of good answers reaches the providers' shared health, whatever comes next."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest

from geoalert.dispatch import tally
from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import ProviderHealth
from geoalert.dispatch.vitals import note_kept
from geoalert.dispatch.worker import work
from geoalert.store import database_now
from tests.integration.dispatch.conftest import Depot
from tests.integration.dispatch.moments import rounds, told
from tests.integration.dispatch.scripted import Scripted
from tests.waiting import until


@pytest.fixture(autouse=True)
def a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a chunk takes here, the next comes soon after it."""
    monkeypatch.setattr(tally, "EVERY", 60.0)


async def health_of(courier: Courier) -> ProviderHealth:
    async with courier.store.reading() as session:
        return await session.get_one(ProviderHealth, "a")


async def kept(depot: Depot, a: Scripted) -> Courier:
    """A courier that has told a hundred and noted five of them."""
    courier = await told(depot, 100, a)
    await courier.carry((await depot.batch()).id)
    assert (a.sent, await depot.outcomes()) == ([5, 95], {Outcome.ACCEPTED: 100})
    assert (await health_of(courier)).used == 5
    return courier


async def test_they_are_noted_when_somebody_asks_for_them(depot: Depot) -> None:
    courier = await kept(depot, Scripted("a", chunk=100))
    await note_kept(courier.store, courier.tally, asyncio.get_running_loop().time())
    assert (await health_of(courier)).used == 5, "not yet"
    await asyncio.gather(*(note_kept(courier.store, courier.tally, math.inf) for _ in range(3)))
    assert ((await health_of(courier)).used, list(courier.tally.waiting(math.inf))) == (100, [])


@pytest.mark.parametrize("reason", [Reason.PROVIDER_ERROR, Reason.UNREGISTERED])
async def test_an_answer_of_another_kind_is_noted_at_once_and_after_them(depot: Depot, reason: Reason) -> None:
    a = Scripted("a", chunk=1_000)
    courier = await kept(depot, a)
    ill = reason is Reason.PROVIDER_ERROR
    a.answer = lambda _: SendResult(Verdict.RETRY if ill else Verdict.REFUSED, reason)
    await depot.chain.broadcast(channels=("sms",))
    await rounds(depot, courier)
    health = await health_of(courier)
    assert health.used == 100
    assert health.streak == int(ill), "the last chunk had not one good answer; those before it had"
    assert not courier.tally.waiting(math.inf)


async def test_they_do_not_outweigh_what_others_have_noted_since(depot: Depot) -> None:
    courier = await kept(depot, Scripted("a", chunk=100))
    async with courier.store.writing() as session:
        health = await session.get_one(ProviderHealth, "a")
        health.at, health.streak = await database_now(session), 2
        health.probe_until = trial = health.at + timedelta(seconds=10)
    await note_kept(courier.store, courier.tally, math.inf)
    health = await health_of(courier)
    assert (health.used, health.streak, health.probe_until) == (100, 2, trial)


async def test_a_day_that_is_counted_is_counted_at_once(depot: Depot) -> None:
    a = Scripted("a", chunk=100, daily_cap=1_000)
    courier = await told(depot, 100, a, severity="Moderate")
    await courier.carry((await depot.batch()).id)
    assert (a.sent, (await health_of(courier)).used) == ([5, 95], 100)


async def test_a_worker_notes_them_before_it_ends(depot: Depot) -> None:
    courier = await told(depot, 100, Scripted("a", chunk=100))
    working = asyncio.create_task(work(courier, depot.chain.house.desk.engine))

    async def all_told() -> bool:
        return await depot.outcomes() == {Outcome.ACCEPTED: 100}

    await until(all_told, "everybody is told", 20)
    courier.stopping.set()
    await asyncio.wait_for(working, 30)
    assert (await health_of(courier)).used == 100
