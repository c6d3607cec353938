"""Going on to the next channel beside everything else: time, death, latecomers, updates and all-clears."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit.tables import AuditEntry
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.engine import Engine
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Announced
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD
from geoalert.operations.latecomers import Latecomers
from geoalert.operations.next_channel import NextChannel
from tests.changes import add_sms, move_to, set_person
from tests.claiming import claim
from tests.conftest import Providers
from tests.integration.pipeline.followed import OVER, entries, fail, holds, say
from tests.quiet import ALL_DAY
from tests.workbench import HADAPSAR, KOTHRUD, Chain

BOTH = ("push", "sms")


async def test_the_order_is_the_persons_and_an_extreme_message_has_used_all(chain: Chain, providers: Providers) -> None:
    first_sms = await chain.settle(channels=("sms", "push"))
    severe, _ = await chain.sent(severity="Severe")
    assert set(await entries(chain, severe, first_sms)) == {"sms"}
    flood, released = await chain.broadcast()
    assert released.audience == 2
    await chain.carry()
    await say(chain, first_sms, Status.FAILED, channel="sms", reason=Reason.UNREACHABLE)  # of the flood
    chain.house.store.shift += OVER
    assert await NextChannel(chain.house.desk).look() == 1
    assert (await entries(chain, severe, first_sms))["push"].moved_for == Reason.NOT_CONFIRMED
    await holds(chain, flood)
    assert all(entry.moved_for is None for entry in (await entries(chain, flood, first_sms)).values())
    assert providers.sandbox.channels()["sms"]["doubled"] == 0


async def test_an_acknowledgement_that_nobody_folded_yet_stops_the_move_and_a_late_one_changes_nothing(
    chain: Chain,
) -> None:
    punctual, late = await chain.settle(channels=BOTH), await chain.settle(channels=BOTH)
    identifier, _ = await chain.sent(severity="Severe")
    await chain.carry()
    await say(chain, punctual, Status.DELIVERED, fold=False)
    chain.house.store.shift += OVER
    step = NextChannel(chain.house.desk)
    assert await step.look() == 1
    await say(chain, late, Status.DELIVERED)
    await chain.carry()
    assert set(await entries(chain, identifier, punctual)) == {"push"}
    both = await entries(chain, identifier, late)
    assert {name: entry.outcome for name, entry in both.items()} == {
        "push": Outcome.DELIVERED,
        "sms": Outcome.ACCEPTED,
    }
    assert await step.look() == 0
    await holds(chain, identifier)


async def test_the_time_runs_from_when_it_was_handed_over(chain: Chain) -> None:
    person = await chain.settle(channels=BOTH)
    identifier, _ = await chain.sent(severity="Severe")
    chain.house.store.shift += timedelta(minutes=4)
    await chain.carry()
    step = NextChannel(chain.house.desk)
    chain.house.store.shift += timedelta(minutes=2)
    assert await step.look() == 0  # six minutes after it was released, two after a provider had it
    chain.house.store.shift += timedelta(minutes=3, seconds=1)
    assert await step.look() == 1
    assert (await entries(chain, identifier, person))["sms"].moved_for == Reason.NOT_CONFIRMED


async def test_without_a_time_only_a_failure_moves_anybody(chain: Chain) -> None:
    silent, dead = await chain.settle(channels=BOTH), await chain.settle(channels=BOTH)
    chain.house = replace(chain.house, desk=replace(chain.house.desk, next_channel_after=timedelta(0)))
    identifier, _ = await chain.sent(severity="Severe")
    await fail(chain, dead, Reason.UNREACHABLE)
    chain.house.store.shift += timedelta(hours=1)
    assert await NextChannel(chain.house.desk).look() == 1
    assert set(await entries(chain, identifier, silent)) == {"push"}


@pytest.mark.parametrize("ended", ["expired", "cancelled", "superseded"])
async def test_what_has_ended_moves_nobody(chain: Chain, ended: str) -> None:
    person = await chain.settle(channels=BOTH)
    identifier, _ = await chain.sent(severity="Severe")
    await chain.carry()
    if ended == "cancelled":
        await chain.cancel(identifier, ALL_CLEAR)
    elif ended == "superseded":
        await chain.updated(identifier, severity="Moderate")
    chain.house.store.shift += timedelta(hours=7) if ended == "expired" else OVER
    await chain.carry()
    assert await NextChannel(chain.house.desk).look() == 0
    assert set(await entries(chain, identifier, person)) == {"push"}
    await holds(chain, identifier)


async def test_quiet_hours_hold_who_goes_on_with_routine(chain: Chain) -> None:
    person = await chain.settle(channels=BOTH)
    identifier, _ = await chain.sent()
    await fail(chain, person, Reason.UNREACHABLE)
    await set_person(chain.house, person, quiet_from=ALL_DAY[0], quiet_to=ALL_DAY[1])
    assert await NextChannel(chain.house.desk).look() == 1
    assert (await entries(chain, identifier, person))["sms"].outcome == Outcome.HELD


@dataclass
class Dying:
    """An engine that dies after everything was written, before it is committed."""

    inner: Engine

    async def enqueue(self, session: AsyncSession, batches: Sequence[Announced]) -> None:
        await self.inner.enqueue(session, batches)
        raise OSError


async def test_dying_before_the_commit_moves_nobody_and_then_once(chain: Chain, providers: Providers) -> None:
    for _ in range(3):
        await chain.settle(channels=BOTH)
    identifier, released = await chain.sent(severity="Severe")
    await chain.carry()
    chain.house.store.shift += OVER
    desk = chain.house.desk
    dying = NextChannel(replace(desk, engine=Dying(desk.engine)))  # type: ignore[arg-type]  # it only announces
    assert await dying.look() == 0
    assert (await chain.report(identifier))["messages"][0]["audience"] == released.audience == 3
    await holds(chain, identifier)
    steps = [NextChannel(desk) for _ in range(3)]
    assert sum(await asyncio.gather(*(step.look() for step in steps))) == 3
    assert sum(await asyncio.gather(*(step.look() for step in steps))) == 0
    await chain.carry()
    counts = providers.sandbox.channels()
    assert [(counts[name]["recipients"], counts[name]["doubled"]) for name in BOTH] == [(3, 0), (3, 0)]
    await holds(chain, identifier)
    report = (await chain.report(identifier))["messages"][0]
    assert (report["people"], report["audience"]) == (3, 6)
    async with chain.house.store.reading() as session:
        (entry,) = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == "message.moved"))
    assert '"moved":3' in entry
    assert '"not_confirmed":3' in entry


async def test_a_worker_that_dies_while_it_hands_over_leaves_the_time_running(chain: Chain) -> None:
    person = await chain.settle(channels=BOTH)
    identifier, _ = await chain.sent(severity="Severe")
    async with chain.house.store.writing() as session:
        (batch,) = await session.scalars(select(Batch))
        await claim(session, batch.id, "gone", timedelta(seconds=30))
    chain.house.store.shift += OVER
    assert await NextChannel(chain.house.desk).look() == 1
    await chain.carry()
    found = await entries(chain, identifier, person)
    assert {name: entry.outcome for name, entry in found.items()} == dict.fromkeys(BOTH, Outcome.ACCEPTED)
    await holds(chain, identifier)


async def test_who_gives_another_channel_after_the_only_one_died_is_told_through_it(
    chain: Chain, providers: Providers
) -> None:
    providers.sandbox.mischief.change({"unregistered": 1.0})
    dead, content = await chain.settle(), await chain.settle(channels=("sms",))
    late = await chain.settle(at=HADAPSAR)
    identifier, _ = await chain.sent()
    await chain.carry()
    step, joining = NextChannel(chain.house.desk), Latecomers(chain.house.desk)
    assert (await step.look(), await joining.look()) == (0, 0)
    await add_sms(chain.house, dead)
    assert await joining.look() == 1
    assert (await joining.look(), await step.look(), await Latecomers(chain.house.desk).look()) == (0, 0, 0)
    found = await entries(chain, identifier, dead)
    assert found["sms"].moved_for == Reason.UNREGISTERED
    await move_to(chain.house, late, KOTHRUD)
    assert await joining.look() == 1  # a latecomer, whose only channel dies, too
    await chain.carry()
    assert await step.look() == 0
    await add_sms(chain.house, late)
    await chain.settle(channels=("sms",))
    assert await joining.look() == 2
    await chain.carry()
    assert set(await entries(chain, identifier, late)) == set(BOTH)
    assert set(await entries(chain, identifier, content)) == {"sms"}
    assert providers.sandbox.channels()["sms"]["recipients"] == 4
    await holds(chain, identifier)


async def test_what_follows_goes_by_every_channel_that_may_have_told_them(chain: Chain, providers: Providers) -> None:
    moved, told, left = [await chain.settle(channels=BOTH) for _ in range(3)]
    far = await chain.settle(at=HADAPSAR, channels=BOTH)
    identifier, _ = await chain.sent(severity="Severe", wards=["kothrud-bavdhan", "hadapsar-mundhwa"])
    await fail(chain, left, Reason.UNREGISTERED)  # surely not told by push
    await chain.carry()
    await say(chain, told, Status.DELIVERED)
    chain.house.store.shift += OVER
    assert await NextChannel(chain.house.desk).look() == 3
    await chain.carry()
    update = await chain.updated(identifier, severity="Severe", wards=["kothrud-bavdhan"], texts=FLOOD)
    assert update.people == 4
    ways = {person: set(await entries(chain, identifier, person)) for person in (moved, told, far)}
    assert ways == {moved: set(BOTH), told: {"push"}, far: set(BOTH)}
    await chain.carry()
    chain.house.store.shift += OVER
    assert await NextChannel(chain.house.desk).look() == 1  # who has not confirmed the update, and has SMS left
    assert set(await entries(chain, identifier, told)) == set(BOTH)
    await chain.carry()
    await say(chain, moved, Status.FAILED, channel="sms", reason=Reason.UNREACHABLE)
    cleared = await chain.cancel(identifier, ALL_CLEAR)
    assert (cleared.people, cleared.audience) == (4, 8)
    await chain.carry()
    chain.house.store.shift += OVER
    assert await NextChannel(chain.house.desk).look() == 0  # an all-clear goes by what told them, and no further
    counts = providers.sandbox.channels()
    assert [counts[name]["doubled"] for name in BOTH] == [0, 0]
    await holds(chain, identifier)
