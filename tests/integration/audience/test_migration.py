"""A store of before audiences were found by what stands beside a place, brought up to date and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select, text

from geoalert.bootstrap import metadata, migration_scripts
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.tables import Batch
from geoalert.store import Store
from geoalert.store.migrations import differences, upgrade
from geoalert.subscribers.cells import cell_of
from geoalert.subscribers.person import WardPlace
from geoalert.subscribers.tables import Address
from tests.downgrade import back_to
from tests.integration.audience.town import AROUND, BARE_PLACE, Town, X, Y
from tests.workbench import Chain

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_once(held: bytes) -> NDArray[np.int64]:
    return np.frombuffer(held, dtype="<i8")


async def recipients(
    store: Store, read: Callable[[bytes], NDArray[np.int64]] = owners_in
) -> dict[tuple[int, int], list[int]]:
    async with store.reading() as session:
        rows = await session.execute(select(Batch.channel, Batch.number, Batch.recipients))
        return {(channel, number): read(held).tolist() for channel, number, held in rows}


async def spans(store: Store) -> dict[tuple[int, int], tuple[int, int]]:
    async with store.reading() as session:
        rows = await session.execute(select(Batch.channel, Batch.number, Batch.owner_from, Batch.owner_to))
        return {(channel, number): (first, last) for channel, number, first, last in rows}


async def test_people_and_batches_of_an_older_store_are_brought_along(town: Town, chain: Chain) -> None:
    store = town.house.store
    wishes = {"wards": [WardPlace("kothrud-bavdhan")], "quiet": (1380, 400), "language": "hi"}
    ids = await town.settle(
        *(town.person([(X, Y), (X + 90, Y)], channels=channels, **wishes) for channels in (("push",), ("sms", "push")))
    )
    # Numbers of addresses and of people shall not agree by accident.
    await town.clerk("UPDATE address SET id = id + 500 WHERE owner_kind = 'subscriber'")
    await chain.broadcast(channels=("push", "sms", "post"))
    owners = await recipients(store)
    assert {owner for each in owners.values() for owner in each if owner > 0} == set(ids)
    assert any(owner < 0 for each in owners.values() for owner in each), "the city's own accounts are among them"
    before = await town.agree()
    async with store.reading() as session:
        address = {
            (row.channel, row.owner_id if row.owner_kind == "subscriber" else -row.owner_id): row.id
            for row in await session.scalars(select(Address))
        }

    await back_to(store, "0003")
    assert await recipients(store, as_once) == {
        key: [address[key[0], owner] for owner in each] for key, each in owners.items()
    }
    gone = address[1, ids[1]]
    await town.clerk(
        "INSERT INTO subscriber (id, reference, language, categories, min_severity, consent, state, created_at,"
        " updated_at) SELECT 77, 'raw', 3, 5, 2, 1, 'active', created_at, updated_at FROM subscriber WHERE id = :id",
        id=ids[0],
    )
    await town.clerk(BARE_PLACE, id=77, x=X, y=Y, cell=cell_of(X, Y))
    await town.clerk("UPDATE address SET state = 'stopped' WHERE id = :id", id=address[1, ids[0]])
    await town.clerk("DELETE FROM address WHERE id = :id", id=gone)

    await upgrade(store, migration_scripts(), metadata())
    assert await differences(store, metadata()) == []
    assert await recipients(store) == {
        (channel, number): [0 if (channel, owner) == (1, ids[1]) else owner for owner in each]
        for (channel, number), each in owners.items()
    }
    held = await recipients(store)
    assert any(sorted(each) != each for each in held.values()), "those of whom nothing is known stand out of order"
    assert await spans(store) == {key: (min(each), max(each)) for key, each in held.items()}
    found = await town.by_store(AROUND)
    assert found == await town.by_shapely(AROUND)
    assert [id_ for id_, *_ in found] == sorted([*ids, 77])
    assert not set(found) & set(before)
    # And what comes from now on is followed.
    await town.clerk("UPDATE subscriber SET language = 1", "DELETE FROM place WHERE x <> 0 AND subscriber_id = 77")
    assert await town.by_store(AROUND) == await town.by_shapely(AROUND)


async def test_a_batch_of_nobody_stays_one(town: Town, chain: Chain) -> None:
    await town.settle()
    await chain.broadcast()
    await town.clerk("UPDATE batch SET id = id + 1099511627776")  # as if 65,536 messages had gone before
    await back_to(town.house.store, "0012")
    await town.clerk("UPDATE batch SET recipients = :nobody", nobody=b"")
    await upgrade(town.house.store, migration_scripts(), metadata())
    assert [each for each in (await recipients(town.house.store)).values() if each] == []
    assert set((await spans(town.house.store)).values()) == {(0, 0)}
    await back_to(town.house.store, "0012")
    assert [each for each in (await recipients(town.house.store, as_once)).values() if each] == []


async def test_an_older_store_goes_back_and_forth_without_a_trace(town: Town) -> None:
    async def objects() -> list[str]:
        query = (
            "SELECT proname FROM pg_proc WHERE proname LIKE 'geoalert%' UNION ALL"
            " SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN"
            " ('place'::regclass, 'area_place'::regclass, 'address'::regclass, 'subscriber'::regclass)"
            if town.postgresql
            else "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') AND name NOT LIKE '%geo%'"
        )
        async with town.house.store.reading() as session:
            return sorted(await session.scalars(text(query)))

    store = town.house.store
    full = await objects()
    await back_to(store, "0003")
    assert await objects() == []
    await upgrade(store, migration_scripts(), metadata())
    assert await objects() == full
