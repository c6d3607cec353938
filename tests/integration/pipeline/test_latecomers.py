"""Who comes into the area of a live message is told, once; who was told, or is not inside, is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import find_alert, messages_of
from geoalert.alerts.tables import Message
from geoalert.audience import Look, People, audience_hash, people_in
from geoalert.audience.changes import position
from geoalert.audience.sieve import Sieve
from geoalert.audit.tables import AuditEntry
from geoalert.dispatch.engine import Engine
from geoalert.dispatch.packed import packed
from geoalert.dispatch.plan import Announced
from geoalert.dispatch.tables import Batch
from geoalert.operations import latecomers
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.latecomers import Latecomers, extend
from geoalert.report import prove
from geoalert.store import database_now
from tests.changes import add_place, add_sms, add_ward, move_to, set_addresses
from tests.conftest import Providers
from tests.quiet import ALL_DAY
from tests.stores import ON_POSTGRESQL
from tests.workbench import HADAPSAR, KOTHRUD, Chain


async def messages(chain: Chain, identifier: str) -> list[Message]:
    async with chain.house.store.reading() as session:
        return await messages_of(session, await find_alert(session, identifier))


async def holds(chain: Chain, identifier: str) -> None:
    """The report balances, the hash is what the batches give, and nobody stands there twice."""
    assert (await chain.report(identifier))["balanced"]
    for message in await messages(chain, identifier):
        if message.released_at is None:
            continue
        async with chain.house.store.reading() as session:
            held = (await packed(session, message.id)).whole()
            proof = await prove(session, message, chain.house.desk.last_known(message.released_at))
        assert message.audience_hash == audience_hash(held.owner, held.channel, held.language)
        assert (message.audience_size, message.audience_people) == (len(held), held.people())
        assert proof.twice == 0


@pytest.mark.requirement("S002-14")
async def test_who_signs_up_inside_is_told_once_and_who_does_outside_is_not(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier, released = await chain.sent()
    step = Latecomers(chain.house.desk)
    assert await step.look() == 0
    await chain.settle()
    await chain.settle(at=HADAPSAR)
    await chain.settle(consent="")
    assert await step.look() == 1
    assert await step.look() == 0
    assert await Latecomers(chain.house.desk).look() == 0  # a worker that remembers nothing
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 2
    await holds(chain, identifier)
    (message,) = await messages(chain, identifier)
    assert (message.audience_people, released.people) == (2, 1)
    assert message.audience_hash != released.audience_hash
    async with chain.house.store.reading() as session:
        late = list(await session.scalars(select(Batch.joined_at).order_by(Batch.id)))
        (entry,) = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == "message.joined"))
    assert [at is not None for at in late] == [False, True]
    assert '"joined":1' in entry


async def test_two_workers_at_once_tell_them_once(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    for _ in range(3):
        await chain.settle()
    steps = [Latecomers(chain.house.desk) for _ in range(4)]
    assert sum(await asyncio.gather(*(step.look() for step in steps))) == 3
    assert sum(await asyncio.gather(*(step.look() for step in steps))) == 0
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 4
    assert providers.sandbox.channels()["push"]["doubled"] == 0
    await holds(chain, identifier)


@pytest.mark.parametrize("severity", ["Moderate", "Extreme"])
async def test_another_channel_is_told_where_all_are_used(chain: Chain, providers: Providers, severity: str) -> None:
    person = await chain.settle()
    identifier, _ = await (chain.broadcast() if severity == "Extreme" else chain.sent())
    await chain.carry()
    await add_sms(chain.house, person)
    await Latecomers(chain.house.desk).look()
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 1
    assert providers.sandbox.channels()["sms"]["recipients"] == (1 if severity == "Extreme" else 0)
    await holds(chain, identifier)


async def test_who_moves_in_by_point_or_ward_is_told(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    mover, chooser = await chain.settle(at=HADAPSAR), await chain.settle(at=HADAPSAR)
    identifier, _ = await chain.sent()
    step = Latecomers(chain.house.desk)
    await move_to(chain.house, mover, KOTHRUD)
    assert await step.look() == 1
    await add_ward(chain.house, chooser, "kothrud-bavdhan")
    assert await step.look() == 1
    await move_to(chain.house, mover, HADAPSAR)
    await move_to(chain.house, mover, KOTHRUD)
    assert await step.look() == 0
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 3
    await holds(chain, identifier)


async def test_who_proves_an_address_is_told(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    person = await chain.settle()
    await set_addresses(chain.house, person, "unverified")
    identifier, released = await chain.sent()
    assert released.people == 1
    step = Latecomers(chain.house.desk)
    assert await step.look() == 0
    await set_addresses(chain.house, person, "active")
    assert await step.look() == 1
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 2
    await holds(chain, identifier)


async def test_quiet_hours_hold_latecomers_but_not_in_an_emergency(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    routine, _ = await chain.sent()
    flood, _ = await chain.broadcast()
    await chain.carry()
    await chain.settle(quiet=ALL_DAY)
    assert await Latecomers(chain.house.desk).look() == 2
    await chain.carry()
    held, told = [(await chain.report(identifier))["messages"][0] for identifier in (routine, flood)]
    assert held["channels"]["push"]["held"] == 1
    assert told["channels"]["push"]["held"] == 0
    assert providers.sandbox.channels()["push"]["accepted"] == 3
    await holds(chain, routine)


@ON_POSTGRESQL  # one writer at a time on SQLite: there is nothing between
async def test_a_place_written_while_the_message_leaves_is_told(chain: Chain, providers: Providers) -> None:
    """It began before the release, which did not see it, and commits after others joined behind the release."""
    await chain.settle()
    slow, slower = await chain.settle(at=HADAPSAR), await chain.settle(at=HADAPSAR)
    step = Latecomers(chain.house.desk)
    async with chain.house.store.writing() as outer:
        await add_place(outer, slower, KOTHRUD)
        async with chain.house.store.writing() as inner:
            await add_place(inner, slow, KOTHRUD)
            identifier, released = await chain.sent()
            assert released.people == 1
            assert await step.look() == 0
        assert await step.look() == 1
        await chain.settle()
        assert await step.look() == 1
    assert await step.look() == 1
    assert await Latecomers(chain.house.desk).look() == 0
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 4
    await holds(chain, identifier)


@ON_POSTGRESQL  # as above
async def test_a_place_committed_between_looking_and_leaving_is_told(chain: Chain, providers: Providers) -> None:
    """After the audience was found, before the message has left."""
    desk = chain.house.desk
    await chain.settle()
    mover = await chain.settle(at=HADAPSAR)

    async def find(
        session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], _: Sieve | None = None
    ) -> People:
        found = await people_in(session, area, ground_of)
        await move_to(chain.house, mover, KOTHRUD)
        return found

    async def look(session: AsyncSession, _: BaseGeometry) -> Look:
        return Look(await position(session), find)

    chain.house = replace(chain.house, desk=replace(desk, look=look))
    identifier, released = await chain.sent()
    assert released.people == 1
    assert await Latecomers(desk).look() == 1
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 2
    await holds(chain, identifier)


@dataclass
class Dying:
    """An engine that dies after everything was written, before it is committed."""

    inner: Engine

    async def enqueue(self, session: AsyncSession, batches: Sequence[Announced]) -> None:
        await self.inner.enqueue(session, batches)
        raise OSError


async def test_dying_before_the_commit_tells_nobody_and_then_once(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier, released = await chain.sent()
    await chain.settle()
    desk = chain.house.desk
    dying = replace(desk, engine=Dying(desk.engine))  # type: ignore[arg-type]  # it only announces
    step = Latecomers(dying)
    assert await step.look() == 0
    (message,) = await messages(chain, identifier)
    assert (message.audience_hash, message.audience_people) == (released.audience_hash, 1)
    await holds(chain, identifier)
    step.desk = desk
    assert await step.look() == 1
    assert await step.look() == 0
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 2
    await holds(chain, identifier)


async def test_what_has_ended_takes_nobody(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    expired, _ = await chain.sent()
    cancelled, _ = await chain.sent()
    await chain.carry()
    ids = [(await messages(chain, identifier))[0].id for identifier in (expired, cancelled)]
    await chain.cancel(cancelled, ALL_CLEAR)
    async with chain.house.store.writing() as session:
        past = await database_now(session) - timedelta(seconds=1)
        await session.execute(update(Message).where(Message.id == ids[0]).values(expires=past))
    await chain.carry()
    before = providers.sandbox.channels()["push"]["requests"]
    await chain.settle()
    assert await Latecomers(chain.house.desk).look() == 0
    assert [await extend(chain.house.desk, message_id) for message_id in ids] == [0, 0]
    await chain.carry()
    assert providers.sandbox.channels()["push"]["requests"] == before


async def test_after_an_update_its_latecomers_are_told_by_it_alone(chain: Chain, providers: Providers) -> None:
    told = await chain.settle()
    identifier, _ = await chain.sent()
    await chain.carry()
    message = await chain.updating(identifier)
    await chain.settle()  # while the update is written: told by the first message, and by the update as everybody
    step = Latecomers(chain.house.desk)
    assert await step.look() == 1
    await chain.carry()
    await chain.approve(identifier, message.content_hash)
    assert (await chain.send(identifier)).people == 2
    await chain.settle()
    await add_sms(chain.house, told)
    assert await step.look() == 1
    await chain.carry()
    first, second = (await chain.report(identifier))["messages"]
    assert (first["people"], second["people"]) == (2, 3)
    assert providers.sandbox.channels()["push"]["accepted"] == 5
    assert providers.sandbox.channels()["sms"]["requests"] == 0
    await holds(chain, identifier)


@pytest.mark.parametrize("lost", ["never followed", "too old", "of another store", "many changed"])
async def test_where_the_log_does_not_help_everybody_is_looked_at(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    await chain.settle()
    async with chain.house.store.writing() as session:
        now = await database_now(session)
        far = (1 << 40) + 5
        ahead = f"{far}:{far}:" if chain.house.store.dialect == "postgresql" else str(far)
        changes: dict[str, dict[str, object]] = {
            "never followed": {"audience_mark": None},
            "too old": {"audience_mark": ahead, "audience_followed_at": now - timedelta(hours=20)},
            "of another store": {"audience_mark": ahead},
            "many changed": {},
        }
        if changes[lost]:
            await session.execute(update(Message).values(changes[lost]))
    if lost == "many changed":
        monkeypatch.setattr(latecomers, "MANY", 0)
    step = Latecomers(chain.house.desk)
    assert await step.look() == 1
    assert await step.look() == 0
    await holds(chain, identifier)
