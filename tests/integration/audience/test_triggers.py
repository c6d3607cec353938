"""What a clerk does by hand in the database is followed as what the product does: beside places, and by the grid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from geoalert.subscribers import erase
from geoalert.subscribers.cells import cell_of
from geoalert.subscribers.person import WardPlace
from geoalert.subscribers.tables import Subscriber
from tests.integration.audience.town import Town, X, Y
from tests.stores import ON_POSTGRESQL
from tests.waiting import until

HERE = cell_of(X, Y)


@pytest.fixture
async def pair(town: Town) -> tuple[int, int]:
    """Two people here, each with a ward and two addresses; the grid has seen them."""
    wishes: dict[str, Any] = {"wards": [WardPlace("near")], "channels": ("push", "sms")}
    one, other = await town.settle(town.person(**wishes), town.person(**wishes, language="hi"))
    assert len(await town.agree()) == 2
    return one, other


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE subscriber SET language = 3, categories = 9 WHERE id = :one",
        "UPDATE subscriber SET quiet_from = 60, quiet_to = 1439, min_severity = 4",
        "UPDATE subscriber SET consent = 0, state = 'paused'",
        "DELETE FROM subscriber WHERE id = :one",
        "UPDATE address SET state = 'stopped' WHERE owner_id = :one AND channel = 2",
        "UPDATE address SET rank = 5 - rank",
        "UPDATE address SET owner_id = :other, rank = rank + 2 WHERE owner_id = :one",
        "UPDATE address SET owner_kind = 'handle' WHERE owner_id = :one",
        "DELETE FROM address WHERE channel = 1",
        "DELETE FROM address WHERE owner_id = :one",
        "UPDATE place SET x = 0, cell = :cell WHERE subscriber_id = :one",
        "UPDATE place SET subscriber_id = :other WHERE subscriber_id = :one",
        "UPDATE place SET subscriber_id = :other",
        "DELETE FROM place WHERE subscriber_id = :one",
        "DELETE FROM place",
        "UPDATE area_place SET subscriber_id = :other WHERE subscriber_id = :one",
        "UPDATE area_place SET code = 'far'",
        "DELETE FROM area_place",
    ],
)
async def test_a_statement_of_a_clerk_is_followed(town: Town, pair: tuple[int, int], statement: str) -> None:
    one, other = pair
    before = await town.agree()
    used = {"one": one, "other": other, "cell": cell_of(0, Y)}
    await town.clerk(statement, **{name: value for name, value in used.items() if f":{name}" in statement})
    # Where the place that a person had is gone, their ward still is here, and the other way about.
    assert (await town.agree() != before) == (not statement.startswith(("DELETE FROM area", "UPDATE area")))
    assert (await everybody(town))[1] == 0


async def everybody(town: Town) -> tuple[int, int]:
    """Places, and how many have beside them what is not their person's."""
    wrong = "SELECT count(*) FROM {} p JOIN reach r ON r.subscriber_id = p.subscriber_id WHERE p.attr <> r.attr"
    async with town.house.store.reading() as session:
        counts = [
            (await session.execute(text(wrong.format(table) + " OR p.categories <> r.categories"))).scalar_one()
            for table in ("place", "area_place")
        ]
        return (await session.execute(text("SELECT count(*) FROM place"))).scalar_one(), sum(counts)


@ON_POSTGRESQL
async def test_an_emptied_table_is_followed(town: Town, pair: tuple[int, int]) -> None:
    await town.clerk("TRUNCATE place")
    assert [(id_, certain) for id_, _, _, certain in await town.agree()] == [(id_, False) for id_ in pair]


async def test_what_is_rolled_back_was_never_there(town: Town, pair: tuple[int, int]) -> None:
    before = await town.agree()
    with pytest.raises(RuntimeError):
        async with town.house.store.writing() as session:
            await session.execute(text("UPDATE subscriber SET language = 3"))
            await session.execute(text("DELETE FROM address"))
            await session.execute(text(f"DELETE FROM place WHERE subscriber_id = {pair[0]}"))  # noqa: S608
            raise RuntimeError
    assert await town.agree() == before


CHANGES = (
    "UPDATE address SET state = 'stopped' WHERE owner_id = :id AND channel = 2",
    "UPDATE subscriber SET language = 3 WHERE id = :id",
    f"INSERT INTO place (subscriber_id, label, x, y, cell) VALUES (:id, 'work', {X}, {Y}, {HERE})",  # noqa: S608 - numbers of ours
    "DELETE FROM address WHERE owner_id = :id AND channel = 1",
    "UPDATE subscriber SET categories = 3, quiet_from = 5, quiet_to = 9 WHERE id = :id",
    "INSERT INTO area_place (subscriber_id, label, kind, code) VALUES (:id, 'work', 'ward', 'near')",
)


async def waiting_or_done(town: Town, writing: asyncio.Task[None]) -> None:
    """Until a transaction has got as far as it can while another is open: to a lock of that one, or to its end."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def there() -> bool:
        async with town.house.store.reading() as session:
            return writing.done() or (await session.execute(text(waiting))).scalar_one() > 0

    await until(there, "it waits or has ended", 10)


@pytest.mark.requirement("S002-14")
@ON_POSTGRESQL
@pytest.mark.parametrize("late", CHANGES)
async def test_changes_of_one_person_at_one_moment_do_not_undo_each_other(
    town: Town, pair: tuple[int, int], late: str
) -> None:
    """One transaction has written and stays open while another writes of the same person: a STOP that a change of
    language overwrote would be told all the same.
    """
    id_, _ = pair
    for first in CHANGES:
        if first == late:
            continue
        async with town.house.store.writing() as session:
            await session.execute(text(first), {"id": id_})
            other = asyncio.create_task(town.clerk(late, id=id_))
            await waiting_or_done(town, other)
        await asyncio.wait_for(other, 10)
        assert (await everybody(town))[1] == 0, first
        await town.agree()


@ON_POSTGRESQL
async def test_erasing_and_changing_a_person_at_one_moment_end(town: Town, pair: tuple[int, int]) -> None:
    """Neither fails for having waited for the other."""
    id_, _ = pair
    store = town.house.store
    for change in CHANGES[:2]:
        async with store.reading() as session:
            reference = (await session.get_one(Subscriber, id_)).reference
        async with store.writing() as session:
            await session.execute(text(change), {"id": id_})

            async def forget(reference: str = reference) -> None:
                async with store.writing() as other:
                    await erase(other, reference, "test")

            forgetting = asyncio.create_task(forget())
            await waiting_or_done(town, forgetting)
            await session.execute(text("UPDATE subscriber SET language = 2 WHERE id = :id"), {"id": id_})
        await asyncio.wait_for(forgetting, 10)
        id_ = pair[1]
    assert await town.agree() == []
