"""The audit: an entry is committed with its action, whoever else is at work, and linked into one chain afterwards."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import Linker, append, link_all, verify
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.store import Store, digest
from tests.downgrade import back_to
from tests.stores import ON_POSTGRESQL
from tests.workbench import Chain


async def act(store: Store, number: int) -> None:
    async with store.writing() as session:
        await append(session, "test", "thing.done", f"thing {number}", {"n": number})


async def waiting(session: AsyncSession) -> int:
    found = await session.execute(select(func.count()).where(AuditEntry.number.is_(None)))
    return int(found.scalar_one())


async def test_whoever_acts_at_one_moment_stands_in_one_chain(house: House) -> None:
    await asyncio.gather(*(act(house.store, number) for number in range(60)))
    count, head, broken = await verify(house.store)
    assert (count, broken) == (60, None)
    async with house.store.reading() as session:
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.number)))
    assert sorted(json.loads(entry.body)["detail"]["n"] for entry in entries) == list(range(60))
    assert (entries[-1].hash, digest(json.loads(entries[-1].body))) == (head, head)
    await act(house.store, 60)
    count, later, _ = await verify(house.store)
    assert (count, later != head) == (61, True)
    async with house.store.reading() as session:
        kept = (await session.scalars(select(AuditEntry.hash).where(AuditEntry.number == 60))).one()
    assert kept == head, "a head that somebody kept stays in the chain"


@ON_POSTGRESQL
async def test_nobody_waits_for_an_open_action_and_it_is_linked_when_it_ends(house: House) -> None:
    async with house.store.writing() as open_:
        await append(open_, "test", "thing.begun", "slow", {})
        async with asyncio.timeout(20):
            await asyncio.gather(*(act(house.store, number) for number in range(30)))
            assert (await verify(house.store))[0] == 30
    count, _, broken = await verify(house.store)
    assert (count, broken) == (31, None)
    async with house.store.reading() as session:
        last = (await session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))).one()
    assert last.subject == "slow"
    assert last.id < 31, "it took its id before the others"


@ON_POSTGRESQL
async def test_an_emergency_does_not_wait_for_whoever_signs_up(chain: Chain) -> None:
    await chain.settle()
    async with chain.house.store.writing() as open_:
        await append(open_, "test", "subscribers.added", "slow", {"count": 1})
        async with asyncio.timeout(20):
            _, released = await chain.broadcast(channels=("push",))
    assert released.people == 1
    assert (await verify(chain.house.store))[2] is None


@ON_POSTGRESQL
async def test_a_linker_that_dies_leaves_everything_to_the_next(house: House) -> None:
    for number in range(5):
        await act(house.store, number)
    with pytest.raises(RuntimeError, match="power"):
        async with house.store.writing() as session:
            await session.execute(update(AuditEntry).values(number=AuditEntry.id))
            raise RuntimeError("power")
    assert (await verify(house.store))[0::2] == (5, None)


@ON_POSTGRESQL
async def test_linkers_at_one_moment_link_each_entry_once(house: House) -> None:
    for number in range(40):
        await act(house.store, number)
    await asyncio.gather(*(link_all(house.store) for _ in range(6)), act(house.store, 40))
    assert (await verify(house.store))[0::2] == (41, None)


@ON_POSTGRESQL
async def test_an_open_house_links_by_itself_and_once_more_when_it_closes(house: House) -> None:
    await act(house.store, 1)
    async with asyncio.timeout(20), house.store.reading() as session:
        while await waiting(session):
            await session.rollback()  # the next look is another snapshot
            await asyncio.sleep(0.05)
    await act(house.store, 2)
    await Linker(house.store).close()
    async with house.store.reading() as session:
        assert await waiting(session) == 0


async def test_a_linked_entry_that_goes_is_missed(house: House) -> None:
    for number in range(5):
        await act(house.store, number)
    assert (await verify(house.store))[2] is None
    async with house.store.writing() as session:
        await session.execute(delete(AuditEntry).where(AuditEntry.number == 3))
    _, _, broken = await verify(house.store)
    assert broken is not None
    assert (broken.number, broken.reason) == (3, "is missing or out of place")


async def test_an_older_store_keeps_its_chain_there_and_back(house: House) -> None:
    for number in range(3):
        await act(house.store, number)
    _, head, _ = await verify(house.store)
    await act(house.store, 3)
    await back_to(house.store, "0006")  # what waits is linked on the way
    await house.upgrade()
    count, _, broken = await verify(house.store)
    assert (count, broken) == (4, None)
    async with house.store.reading() as session:
        assert head in set(await session.scalars(select(AuditEntry.hash)))
    await act(house.store, 4)
    assert (await verify(house.store))[0::2] == (5, None)
