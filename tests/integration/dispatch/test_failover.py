"""Two providers of one channel: the one that works carries, nobody is told twice, and what failed is let back in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from geoalert.dispatch.canary import ask_providers
from geoalert.dispatch.channels.sms_twilio import TwilioSms
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.halts import lift
from geoalert.dispatch.handed import provider_of
from geoalert.dispatch.health import share
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, Halt, ProviderHealth
from geoalert.sandbox import listen, running, sandbox_credentials
from geoalert.sandbox.app import Sandbox
from geoalert.sandbox.faults import Fault
from geoalert.store import database_now
from tests.conftest import Providers
from tests.integration.dispatch.conftest import Depot, outcomes, reasons
from tests.workbench import Chain

MINUTE = timedelta(minutes=1)
EMERGENCY = {"channels": ("sms",)}


@dataclass
class Pair:
    """Two accounts of one channel, each at a provider of its own."""

    depot: Depot
    first: Sandbox
    second: Sandbox
    courier: Courier

    def spoil(self, kind: Any, times: int = 10_000, *, sandbox: Sandbox | None = None, **how: Any) -> None:
        (sandbox or self.first).mischief.plan(Fault("twilio", kind, times, **how))

    def told(self) -> tuple[int, int]:
        """Recipients each provider took; nobody was told twice by either."""
        counts = [each.channels()["sms"] for each in (self.first, self.second)]
        assert [each["doubled"] for each in counts] == [0, 0]
        return counts[0]["recipients"], counts[1]["recipients"]

    def both(self) -> int:
        """How many were told by the one and by the other."""
        numbers = [set(each.inbox.recipients.get("sms", ())) for each in (self.first, self.second)]
        return len(numbers[0] & numbers[1])

    async def carry(self, rounds: int = 1) -> None:
        """What is due, by as many hands as a worker has; time passes between the rounds."""
        for _ in range(rounds):
            await asyncio.gather(*(self.courier.carry(batch.id) for batch in await self.depot.batches()))
            await self.depot.later()

    async def health(self, provider: str = "twilio") -> ProviderHealth:
        async with self.depot.chain.house.store.reading() as session:
            return (await session.scalars(select(ProviderHealth).where(ProviderHealth.provider == provider))).one()

    async def halts(self) -> set[tuple[str, Reason]]:
        async with self.depot.chain.house.store.reading() as session:
            return {(halt.provider, Reason(halt.reason)) for halt in await session.scalars(select(Halt))}

    async def alone_no_longer(self) -> None:
        """The time for which the first is left alone is over."""
        async with self.depot.chain.house.store.reading() as session:
            now = await database_now(session)
        await self.depot.change(ProviderHealth, open_until=now - MINUTE)

    async def ask(self) -> None:
        await ask_providers(self.courier.store, self.courier.channels.values(), self.courier.spread)


@asynccontextmanager
async def a_pair(depot: Depot, **traits: Any) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        bound = listen()
        second = await stack.enter_async_context(
            running(sandbox_credentials(f"http://127.0.0.1:{bound.getsockname()[1]}"), bound)
        )
        channels = {}
        for provider, sandbox in (("twilio", depot.providers.sandbox), ("twilio2", second)):
            credentials = sandbox.credentials
            channels[provider] = TwilioSms(
                account=credentials.twilio_account,
                token=credentials.twilio_token,
                sender=credentials.twilio_sender,
                callback="http://127.0.0.1:9/hook",
                endpoint=credentials.base_url,
                rate=800.0,
                rehearsal=True,
                provider=provider,
                weight=100 if provider == "twilio" else 0,
                **(traits if provider == "twilio" else {}),
            )
            stack.push_async_callback(channels[provider].close)
        courier = replace(depot.courier, channels=channels)
        yield Pair(depot, depot.providers.sandbox, second, courier)


@pytest.fixture
async def pair(chain: Chain, providers: Providers) -> AsyncIterator[Pair]:
    async with a_pair(Depot(chain, providers)) as made:
        yield made


async def test_while_the_first_works_the_second_stands_by(pair: Pair) -> None:
    await pair.depot.settle(120, "sms")
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry()
    assert pair.told() == (120, 0)


async def test_an_emergency_goes_through_the_second_when_the_first_is_dead(pair: Pair) -> None:
    """Nobody has to act, and the first is not asked over and over."""
    await pair.depot.settle(300, "sms")
    pair.spoil("status", status=503)
    await pair.depot.chain.broadcast(**EMERGENCY)
    await pair.carry(rounds=4)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 300}
    assert pair.told() == (0, 300)
    health = await pair.health()
    assert share(health, health.at) < 1.0
    asked = pair.first.channels()["sms"]["requests"]
    await pair.depot.chain.broadcast(**EMERGENCY)
    await pair.carry()
    assert pair.first.channels()["sms"]["requests"] == asked


async def test_who_may_have_been_told_by_the_first_is_not_told_by_the_second(pair: Pair) -> None:
    """Routine work: a doubt stays with the provider that had them, and is settled when it can be asked again."""
    await pair.depot.settle(40, "sms")
    pair.spoil("reset", times=5, processed=True)
    pair.spoil("status", status=503)
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry(rounds=6)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 35, Outcome.UNCERTAIN: 5}
    assert (pair.told(), pair.both()) == ((5, 35), 0)
    (batch,) = await pair.depot.batches()
    by = Counter(provider_of(batch, position) for position in range(batch.size))
    assert by == {"twilio": 5, "twilio2": 35}
    pair.first.mischief.script.clear()
    await pair.alone_no_longer()
    await pair.ask()
    await pair.carry(rounds=3)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 40}
    assert (pair.told(), pair.both()) == ((5, 35), 0)


async def test_in_an_emergency_a_doubt_is_not_kept_for_long(pair: Pair) -> None:
    await pair.depot.settle(10, "sms")
    pair.spoil("reset", times=5, processed=False)  # lost on the way there, which nobody can know
    pair.spoil("status", status=503)
    await pair.depot.chain.broadcast(**EMERGENCY)
    await pair.carry(rounds=5)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 5, Outcome.UNCERTAIN: 5}
    (batch,) = await pair.depot.batches()
    assert batch.unasked_since is not None
    await pair.depot.change(Batch, unasked_since=batch.unasked_since - MINUTE)
    await pair.carry(rounds=2)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 10}
    assert (pair.told(), pair.both()) == ((0, 10), 0)


async def test_a_provider_is_let_back_in_one_recipient_first(pair: Pair) -> None:
    pair.courier = replace(pair.courier, spread=lambda: 0.0)  # whoever may be picked first is
    await pair.depot.settle(60, "sms")
    pair.spoil("status", status=503)
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry(rounds=5)
    assert pair.told() == (0, 60)
    await pair.alone_no_longer()
    await pair.ask()
    assert (await pair.health()).opens == 2  # it still does not answer well: left alone for longer
    pair.first.mischief.script.clear()
    await pair.alone_no_longer()
    await pair.ask()
    back = await pair.health()
    assert (back.open_until, back.streak) == (None, 3)
    await pair.depot.chain.sent(channels=("sms",))
    newest = (await pair.depot.batches())[-1]
    await pair.courier.carry(newest.id)
    taken = pair.told()[0]
    assert taken >= 1
    assert (await pair.health()).streak == 0
    again = await pair.health()
    assert again.returning_since is not None
    await pair.depot.change(ProviderHealth, returning_since=again.returning_since - 3 * MINUTE)
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry(rounds=2)
    assert (await pair.health()).returning_since is None
    last = (await pair.depot.batches())[-1]
    assert {provider_of(last, position) for position in range(last.size)} == {"twilio"}  # all of it, as before


async def test_of_two_credentials_the_good_one_carries_and_the_other_is_tried_a_few_times(pair: Pair) -> None:
    await pair.depot.settle(600, "sms")
    pair.spoil("status", status=401)
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry(rounds=2)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 600}
    assert pair.told() == (0, 600)
    assert pair.first.channels()["sms"]["requests"] <= 20
    assert await pair.halts() == {("twilio", Reason.CREDENTIAL)}


async def test_without_another_provider_a_wrong_credential_parks_after_a_few_refusals(pair: Pair) -> None:
    pair.courier = replace(pair.courier, channels={"twilio": pair.courier.channels["twilio"]})
    await pair.depot.settle(600, "sms")
    pair.spoil("status", status=401)
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry(rounds=2)
    batches = await pair.depot.batches()
    assert {(batch.state, batch.parked_for) for batch in batches} == {("parked", Reason.CREDENTIAL)}
    assert await pair.depot.outcomes() == {Outcome.PENDING: 600}
    assert pair.first.channels()["sms"]["requests"] <= 20
    pair.first.mischief.script.clear()
    async with pair.courier.store.writing() as session:
        await lift(session, "test")
        await resume_parked(session, pair.depot.chain.house.desk.routes, "test")
    await pair.carry(rounds=2)
    assert await pair.depot.outcomes() == {Outcome.ACCEPTED: 600}
    assert (pair.told(), await pair.halts()) == ((600, 0), set())


async def test_a_template_that_is_refused_stops_its_own_message_only(pair: Pair) -> None:
    pair.courier = replace(pair.courier, channels={"twilio": pair.courier.channels["twilio"]})
    await pair.depot.settle(5, "sms")
    body = '{"code": 63016, "message": "template rejected", "status": 400}'
    pair.spoil("status", times=5, status=400, body=body)
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry()
    await pair.depot.chain.sent(channels=("sms",))
    await pair.carry()
    stopped, sent = await pair.depot.batches()
    assert (stopped.state, stopped.parked_for, set(outcomes(stopped))) == ("parked", Reason.TEMPLATE, {Outcome.PENDING})
    assert (sent.state, set(outcomes(sent)), reasons(sent)) == ("done", {Outcome.ACCEPTED}, {Reason.NONE})


async def test_a_day_s_cap_holds_routine_work_and_no_emergency(chain: Chain, providers: Providers) -> None:
    async with a_pair(Depot(chain, providers), daily_cap=20) as pair:
        pair.courier = replace(pair.courier, channels={"twilio": pair.courier.channels["twilio"]})
        await pair.depot.settle(50, "sms")
        await pair.depot.chain.sent(channels=("sms",))
        await pair.carry()
        routine = (await pair.depot.batches())[0]
        found = Counter(outcomes(routine))
        assert found == {Outcome.ACCEPTED: 20, Outcome.PENDING: 30}
        await pair.carry()
        assert Counter(outcomes((await pair.depot.batches())[0])) == found
        await pair.depot.chain.broadcast(**EMERGENCY)
        await pair.carry(rounds=2)
        assert set(outcomes((await pair.depot.batches())[-1])) == {Outcome.ACCEPTED}
