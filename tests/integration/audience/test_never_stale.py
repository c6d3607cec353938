"""Whatever was committed before a question is in its answer, however it came to be committed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience import changes, live, people_in
from geoalert.audience.grid import Person
from geoalert.audience.live import LiveGrid
from geoalert.audience.overlay import View
from geoalert.subscribers.cells import cell_of
from tests.integration.audience.town import AROUND, BARE_PERSON, BARE_PLACE, Town, X, Y, ground_of, told
from tests.stores import ON_POSTGRESQL, ON_SQLITE


@pytest.mark.requirement("S002-14")
async def test_a_place_committed_before_the_question_is_in_the_answer(town: Town) -> None:
    expected: list[int] = []
    for turn in range(60):
        expected += await town.settle()
        assert await town.ids() == expected
        if turn % 3 == 2:
            gone = expected.pop(turn // 3)
            await town.clerk("DELETE FROM place WHERE subscriber_id = :gone", gone=gone)
            assert await town.ids() == expected
    assert town.grid.loaded
    await town.agree()


@ON_POSTGRESQL
async def test_who_came_first_and_committed_last_is_seen(town: Town) -> None:
    """The transaction that took its numbers first is still open while later ones commit and are asked for."""
    store = town.house.store
    async with store.writing() as early:
        (first,) = await town.move_in(early)
        others: list[int] = []
        for _ in range(3):
            others.append(await bare(town, 10 + len(others)))
            assert await town.ids() == others
    assert sorted(await town.ids()) == sorted([first, *others])
    await town.agree()


async def bare(town: Town, number: int, session: AsyncSession | None = None) -> int:
    """A person by raw SQL, with one place in Kothrud: the least that makes a transaction of a change."""
    id_ = 1_000_000 + number
    statements: dict[str, dict[str, object]] = {
        BARE_PERSON: {"id": id_, "reference": f"bare-{number}"},
        BARE_PLACE: {"id": id_, "x": X, "y": Y, "cell": cell_of(X, Y)},
    }
    if session is None:
        async with town.house.store.writing() as own:
            return await bare(town, number, own)
    for statement, values in statements.items():
        await session.execute(text(statement), values)
    return id_


@ON_POSTGRESQL
async def test_savepoints_keep_what_was_kept_and_nothing_else(town: Town) -> None:
    store = town.house.store
    async with store.writing() as session:
        await bare(town, 1, session)
        async with session.begin_nested():
            await bare(town, 2, session)
        undone = await session.begin_nested()
        await bare(town, 3, session)
        await undone.rollback()
        nested = await session.begin_nested()
        async with session.begin_nested():
            await bare(town, 4, session)
        await nested.rollback()
        async with session.begin_nested():
            await bare(town, 5, session)
        await bare(town, 6)  # meanwhile, by another
        assert await town.ids() == [1_000_006]
    assert await town.ids() == [1_000_001, 1_000_002, 1_000_005, 1_000_006]
    with pytest.raises(RuntimeError, match="power"):
        async with store.writing() as session:
            await bare(town, 7, session)
            raise RuntimeError("power")
    assert await town.ids() == [1_000_001, 1_000_002, 1_000_005, 1_000_006]


@ON_POSTGRESQL
async def test_a_long_open_import_costs_others_nothing_and_is_seen_at_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is open every question would read everything since it began again, were changes known by age alone."""
    read: list[int] = []
    current = changes.current

    async def counted(session: AsyncSession, ids: Sequence[int]) -> dict[int, Person | None]:
        read.append(len(ids))
        return await current(session, ids)

    monkeypatch.setattr(live, "current", counted)
    async with town.house.store.writing() as session:
        await session.execute(
            text(
                "INSERT INTO subscriber (id, reference, language, categories, min_severity, consent, state, created_at,"
                " updated_at) SELECT n, 'many-' || n, 1, 1, 1, 1, 'active', now(), now()"
                " FROM generate_series(1, 20000) AS n"
            )
        )
        await session.execute(
            text(
                "INSERT INTO place (subscriber_id, label, x, y, cell) SELECT id, 'home', CAST(:x AS integer),"
                " CAST(:y AS integer), CAST(:cell AS bigint) FROM subscriber"
            ),
            {"x": X, "y": Y, "cell": cell_of(X, Y)},
        )
        for turn in range(30):
            await bare(town, turn)
            assert len(await town.ids()) == turn + 1
        assert sum(read) <= 60, "each change is read once, or twice where the grid's own look came between"
    assert len(await town.ids()) == 20_030
    assert await town.ask() == await town.by_store()


@ON_POSTGRESQL
async def test_many_writers_and_many_questions_end_equal(town: Town) -> None:
    done: list[int] = []
    missed: list[int] = []

    async def write(writer: int) -> None:
        for turn in range(12):
            async with town.house.store.writing() as session:
                id_ = await bare(town, writer * 100 + turn, session)
                await asyncio.sleep(0.002 * (writer % 4))
            done.append(id_)
            if turn % 4 == 3:
                await town.clerk("UPDATE subscriber SET language = 3 WHERE id = :id", id=id_)

    async def question() -> None:
        while len(done) < 96:
            before = set(done)
            missed.extend(before - set(await town.ids()))

    await asyncio.gather(*(write(writer) for writer in range(8)), question(), question())
    assert missed == []
    assert len(await town.agree()) == 96


async def test_more_askers_than_connections_do_not_wait_for_each_other(town: Town) -> None:
    """Each holds a connection of the store's while it asks the grid, which needs one too."""
    (there,) = await town.settle()
    ready = asyncio.Barrier(20 if town.postgresql else 15)

    async def one() -> list[int]:
        async with town.house.store.reading() as session:
            await session.execute(text("SELECT count(*) FROM place"))
            await ready.wait()
            return [id_ for id_, *_ in told(await town.grid(session, AROUND, ground_of))]

    answers = await asyncio.wait_for(asyncio.gather(*(one() for _ in range(ready.parties))), 10)
    assert answers == [[there]] * ready.parties
    assert town.grid.loaded


@ON_SQLITE  # on PostgreSQL every statement of a clerk's is one (test_triggers)
async def test_a_writer_outside_the_product_is_followed(town: Town) -> None:
    """The clerk's own client: another connection, without anything of ours."""
    ids = await town.settle(*(town.person() for _ in range(40)))
    with closing(sqlite3.connect(town.house.store.engine.url.database or "", isolation_level=None)) as clerk:
        for number, id_ in enumerate(ids):
            clerk.execute("BEGIN IMMEDIATE")
            clerk.execute("UPDATE place SET x = ?, cell = ? WHERE subscriber_id = ?", (0, cell_of(0, Y), id_))
            if number % 4 == 0:
                clerk.execute("ROLLBACK")
            else:
                clerk.execute("COMMIT")
            left = [other for at, other in enumerate(ids) if at > number or at % 4 == 0]
            assert await town.ids() == left


async def test_whoever_comes_after_a_look_is_found_in_the_log_from_there(town: Town) -> None:
    before = await town.settle()
    async with town.house.store.reading() as session:
        seen = await town.grid.look(session, AROUND)
    after = await town.settle()
    async with town.house.store.reading() as session:
        assert seen.find is not people_in
        found = [id_ for id_, *_ in told(await seen.find(session, AROUND, ground_of))]
        _, changed = await changes.changed_since(session, seen.position, 10)
        elsewhere = await seen.find(session, shapely.box(0, 0, 1, 1), ground_of)
    assert (found, changed, len(elsewhere)) == (before, after, 0)
    await town.agree()


@ON_POSTGRESQL
async def test_a_look_leaves_who_commits_last_to_the_log(town: Town) -> None:
    store = town.house.store
    async with store.writing() as early:
        (first,) = await town.move_in(early)
        other = await bare(town, 1)
        async with store.reading() as session:
            seen = await town.grid.look(session, AROUND)
            assert [id_ for id_, *_ in told(await seen.find(session, AROUND, ground_of))] == [other]
    async with store.reading() as session:
        _, changed = await changes.changed_since(session, seen.position, 10)
    assert changed == [first]


@pytest.mark.parametrize("broken", ["_look", "view"])
async def test_a_look_falls_back_on_the_store_s_own_path(
    town: Town, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await town.settle()
    assert await town.ids() == expected

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError

    async with town.house.store.reading() as session:
        with monkeypatch.context() as patched:
            if broken == "_look":
                patched.setattr(LiveGrid, "_look", breaks)
            seen = await town.grid.look(session, AROUND)
            patched.setattr(View, "people", breaks)
            people = await seen.find(session, AROUND, ground_of)
    assert [id_ for id_, *_ in told(people)] == expected
