"""Carrying a batch through a provider that fails in every way it can; nothing is lost and nobody is told twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from geoalert.alerts.tables import Message
from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.halts import halt, lift
from geoalert.dispatch.lease import due
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Pace
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.store import database_now
from geoalert.subscribers.tables import Subscriber
from tests.claiming import claim
from tests.integration.dispatch.conftest import AGO, Depot, outcomes, reasons
from tests.quiet import ALL_DAY

PROVIDERS = {"push": "fcm", "sms": "twilio"}
LOST = timedelta(seconds=-1)  # the lease of an owner who died


async def test_a_push_without_an_answer_is_sent_again_in_its_own_place(depot: Depot) -> None:
    await depot.settle(6)
    await depot.chain.sent()
    for kind in ("reset", "reset_body", "nonsense", "empty"):
        depot.spoil("fcm", kind, processed=True)
    depot.spoil("fcm", "status", status=500)  # nobody can say whether this one was processed
    assert None not in await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 1, Outcome.UNCERTAIN: 5}
    (wait,) = await depot.carry()  # not due yet
    assert wait is not None
    await depot.later()
    await depot.carry()
    batch = await depot.batch()
    assert (batch.state, set(outcomes(batch)), reasons(batch)) == ("done", {Outcome.ACCEPTED}, {Reason.NONE})
    assert depot.seen() == (11, 6, 0)


async def test_an_sms_without_an_answer_is_looked_up_and_sent_again_only_if_it_never_arrived(depot: Depot) -> None:
    await depot.settle(2, "sms")
    await depot.chain.sent()
    depot.spoil("twilio", "reset", processed=True)
    depot.spoil("twilio", "reset", processed=False)
    await depot.carry()
    assert await depot.outcomes() == {Outcome.UNCERTAIN: 2}
    assert depot.seen("sms") == (2, 1, 0)
    await depot.later()
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 2}
    assert depot.seen("sms") == (5, 2, 0)  # two look-ups, and one message for whom there was none


async def test_an_sms_stays_uncertain_while_the_provider_cannot_be_asked(depot: Depot) -> None:
    await depot.settle(1, "sms")
    await depot.chain.sent()
    depot.spoil("twilio", "reset", processed=True)
    depot.spoil("twilio", "status", status=503)
    for _ in range(2):  # a third answer in a row that says nothing, and the provider would be left alone
        await depot.carry()
        await depot.later()
        assert await depot.outcomes() == {Outcome.UNCERTAIN: 1}
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 1}
    assert depot.seen("sms")[1:] == (1, 0)


async def test_a_provider_that_asks_us_to_wait_is_waited_for(depot: Depot) -> None:
    for channel, provider in PROVIDERS.items():
        await depot.settle(2, channel)
        depot.spoil(provider, "status", times=2, status=429, headers={"Retry-After": "120"})
    await depot.chain.sent()
    assert await depot.carry() == [None, None]  # the sweeper comes for them: who else changes their time is heeded
    async with depot.chain.house.store.reading() as session:
        now = await database_now(session)
        assert await due(session, 10) == []
    assert await depot.outcomes() == {Outcome.PENDING: 4}
    for batch in await depot.batches():
        assert batch.state == "queued"
        assert batch.not_before > now + timedelta(seconds=100)
    await depot.later()
    await depot.carry()
    assert await depot.outcomes() == {Outcome.PENDING: 4}, "every worker is held off"
    await depot.change(Pace, tat=0.0)
    await depot.later()
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 4}
    assert (depot.seen("push"), depot.seen("sms")) == ((4, 2, 0), (4, 2, 0))


async def test_a_refused_credential_parks_the_batch_until_a_person_acts(depot: Depot) -> None:
    for (channel, provider), status in zip(PROVIDERS.items(), (403, 401), strict=True):
        await depot.settle(2, channel)
        depot.spoil(provider, "status", times=4, status=status)
    await depot.chain.sent()
    await depot.carry()
    batches = await depot.batches()
    assert {(batch.state, batch.parked_for) for batch in batches} == {("parked", Reason.CREDENTIAL)}
    assert await depot.outcomes() == {Outcome.PENDING: 4}
    assert await depot.carry() == [None, None]
    depot.providers.sandbox.mischief.script.clear()
    async with depot.chain.house.store.writing() as session:
        await lift(session, "test")
        waiting = await resume_parked(session, depot.chain.house.desk.routes, "test")
        assert sorted(found.id for found in waiting) == [batch.id for batch in batches]
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 4}
    assert (depot.seen("push")[1:], depot.seen("sms")[1:]) == ((2, 0), (2, 0))


async def test_what_has_expired_is_not_sent(depot: Depot) -> None:
    await depot.settle(2)
    identifier, _ = await depot.chain.sent()
    batch = await depot.batch()
    await depot.change(Message, expires=batch.not_before - AGO)
    await depot.carry()
    batch = await depot.batch()
    assert (batch.state, set(outcomes(batch)), reasons(batch)) == ("done", {Outcome.EXPIRED}, {Reason.EXPIRED})
    assert depot.seen()[0] == 0
    assert (await depot.chain.report(identifier))["balanced"]


@pytest.mark.requirement("S003-07")
async def test_what_was_held_leaves_when_the_quiet_hours_are_over(depot: Depot) -> None:
    await depot.settle(2, quiet=ALL_DAY)
    await depot.chain.sent()
    assert await depot.carry() == [None]
    assert await depot.outcomes() == {Outcome.HELD: 2}
    await depot.awake()
    await depot.carry()
    batch = await depot.batch()
    assert (set(outcomes(batch)), reasons(batch)) == ({Outcome.ACCEPTED}, {Reason.NONE})
    assert depot.seen() == (2, 2, 0)


@pytest.mark.requirement("S003-07")
async def test_what_was_held_up_into_quiet_hours_waits_for_their_end(depot: Depot) -> None:
    """An outage in the evening is no reason to wake somebody at night; a flood is."""
    asleep, *_ = await depot.settle(3)
    await depot.chain.sent()
    async with depot.chain.house.store.writing() as session:
        now = await database_now(session)
        night = update(Subscriber).where(Subscriber.id == asleep)
        await session.execute(night.values(quiet_from=ALL_DAY[0], quiet_to=ALL_DAY[1]))
    assert await depot.carry() == [None]
    batch = await depot.batch()
    assert (batch.state, Counter(outcomes(batch))) == ("queued", {Outcome.ACCEPTED: 2, Outcome.HELD: 1})
    assert reasons(batch) == {Reason.NONE, Reason.QUIET_HOURS}
    assert batch.not_before > now + timedelta(seconds=1)
    await depot.chain.broadcast(channels=("push",))
    await depot.carry()
    assert Counter(outcomes((await depot.batches())[1])) == {Outcome.ACCEPTED: 3}
    await depot.later()  # too early: they still sleep
    await depot.carry()
    assert Counter(outcomes((await depot.batches())[0])) == {Outcome.ACCEPTED: 2, Outcome.HELD: 1}
    await depot.awake()
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 6}
    assert depot.seen()[2] == 0


async def test_a_cancel_while_nobody_carries_is_a_cancel(depot: Depot) -> None:
    """What stands still at that moment is neither set aside nor said to have expired."""
    await depot.settle(2)
    identifier, _ = await depot.chain.sent()
    async with depot.chain.house.store.writing() as session:
        assert await halt(session, "fcm", ANY_MESSAGE, Reason.PAUSED, "test", emergencies=True)
        await session.execute(update(Message).values(state="cancelled"))  # it commits while a worker has the batch
    await depot.carry()
    batch = await depot.batch()
    assert (batch.state, set(outcomes(batch)), reasons(batch)) == ("done", {Outcome.CANCELLED}, {Reason.CANCELLED})
    assert (await depot.chain.report(identifier))["balanced"]


async def test_the_emergency_lane_comes_first(depot: Depot) -> None:
    await depot.settle(30)
    routine, _ = await depot.chain.sent(channels=("push",))
    ordinary = await depot.batch()
    async with depot.pushing(rate=5) as courier:  # six seconds for all: a slow machine still comes in between
        carrying = asyncio.create_task(courier.carry(ordinary.id))
        await depot.first_chunk()
        await depot.chain.broadcast(channels=("push",))
        assert await carrying is not None  # it gave way between two chunks
        sent = Counter(outcomes((await depot.batches())[0]))
        assert 0 < sent[Outcome.ACCEPTED] < 30
        assert sent[Outcome.ACCEPTED] + sent[Outcome.PENDING] == 30
        async with depot.chain.house.store.reading() as session:
            order = await due(session, 10)
        assert order[0].priority <= EMERGENCY
    await depot.courier.carry(order[0].id)
    await depot.later()
    await depot.courier.carry(ordinary.id)
    assert all(set(outcomes(batch)) == {Outcome.ACCEPTED} for batch in await depot.batches())
    assert depot.seen()[1:] == (30, 0)
    assert (await depot.chain.report(routine))["balanced"]


async def test_a_cancel_stops_what_has_not_left(depot: Depot) -> None:
    await depot.settle(40)
    identifier, _ = await depot.chain.sent(channels=("push",))
    batch = await depot.batch()
    async with depot.pushing(rate=20) as courier:
        carrying = asyncio.create_task(courier.carry(batch.id))
        await depot.first_chunk()
        cleared = await depot.chain.cancel(identifier, ALL_CLEAR)
        await carrying
    found = Counter(outcomes((await depot.batches())[0]))
    told = found[Outcome.ACCEPTED]
    assert found == {Outcome.ACCEPTED: told, Outcome.CANCELLED: 40 - told}
    assert told == cleared.audience
    assert 0 < told < 40
    assert depot.seen()[1] == told
    assert (await depot.chain.report(identifier))["balanced"]


async def test_a_drill_reaches_stand_ins_only(depot: Depot) -> None:
    await depot.settle(2)
    for rehearsal, outcome, requests in ((False, Outcome.SUPPRESSED, 0), (True, Outcome.ACCEPTED, 2)):
        await depot.chain.sent(drill=True)
        newest = (await depot.batches())[-1]
        async with depot.pushing(rehearsal=rehearsal) as courier:
            await courier.carry(newest.id)
        assert set(outcomes((await depot.batches())[-1])) == {outcome}
        assert depot.seen()[0] == requests


async def test_of_many_couriers_one_carries(depot: Depot) -> None:
    await depot.settle(5)
    await depot.chain.sent()
    batch = await depot.batch()
    couriers = [replace(depot.courier, owner=f"courier {number}") for number in range(5)]
    await asyncio.gather(*(courier.carry(batch.id) for courier in couriers))
    after = await depot.batch()
    assert (after.state, after.lease_generation, after.attempts) == ("done", 1, 1)
    assert depot.seen() == (5, 5, 0)


async def test_what_a_dead_worker_left_is_taken_over(depot: Depot) -> None:
    """Nothing of it had reached the providers; which only the providers know."""
    await depot.settle(3, "push")
    await depot.settle(3, "sms")
    await depot.chain.sent()
    store = depot.chain.house.store
    for batch in await depot.batches():
        async with store.writing() as session:
            assert await claim(session, batch.id, "dead", LOST) == 1
            await merge_outcomes(session, batch.id, dict.fromkeys(range(3), (Outcome.SENDING, Reason.NONE)))
        async with store.writing() as session:
            assert await claim(session, batch.id, "next", LOST) == 2
    assert await depot.outcomes() == {Outcome.UNCERTAIN: 6}
    assert {reason for batch in await depot.batches() for reason in reasons(batch)} == {Reason.WORKER_LOST}
    await depot.carry()
    assert {(batch.state, batch.lease_generation) for batch in await depot.batches()} == {("done", 3)}
    assert await depot.outcomes() == {Outcome.ACCEPTED: 6}
    assert (depot.seen("push"), depot.seen("sms")) == ((3, 3, 0), (6, 3, 0))


async def test_a_batch_of_a_provider_a_worker_has_not_is_left_to_another(depot: Depot) -> None:
    await depot.settle(1, "sms")
    await depot.chain.sent()
    batch = await depot.batch()
    async with depot.pushing() as courier:
        await courier.carry(batch.id)
    after = await depot.batch()
    assert (after.state, after.attempts, outcomes(after)) == ("queued", 0, [Outcome.PENDING])
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 1}
