"""The grid through a store that goes away, imports that leave it behind, and a log that is cut."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience import changes, live
from geoalert.operations import schedule
from geoalert.operations.schedule import keep_schedule
from geoalert.subscribers.person import WardPlace
from geoalert.subscribers.tables import AreaPlace, AudienceChange
from tests.integration.audience.town import Town
from tests.stores import ON_POSTGRESQL, administrator
from tests.waiting import until
from tests.workbench import Chain


async def cut_off(town: Town) -> None:
    """Ends every connection to the test's database, as a restart of the server does."""
    async with administrator() as admin:
        name = town.house.store.engine.url.database
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)


@ON_POSTGRESQL
async def test_a_store_that_went_away_and_came_back_is_asked_rightly(town: Town) -> None:
    expected = await town.settle()
    for _ in range(5):
        assert await town.ids() == expected
        expected += await town.settle()
        await cut_off(town)
        assert await town.ids() == expected
    await town.loaded()
    await town.agree()


@pytest.fixture
def rarely_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid looks when it is asked and not by itself; in force before it begins to be kept."""
    monkeypatch.setattr(live, "LOOK_EVERY", 600.0)


@pytest.mark.usefixtures("rarely_looked")
@pytest.mark.parametrize("rounds", [1, 2, 20])
async def test_who_asks_no_more_is_let_go_at_once(town: Town, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store does not answer; `rounds` of the event loop after the question, from before it is on its way."""
    expected = await town.settle()
    assert await town.ids() == expected

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(live, "looked_since", hangs)
        asking = asyncio.create_task(town.ids())
        for _ in range(rounds):
            await asyncio.sleep(0)
        assert not asking.done()
        asking.cancel()
        await asyncio.wait({asking}, timeout=5)
        assert asking.cancelled()
        assert not [task for task in asyncio.all_tasks() if "_now" in repr(task)]
    assert await town.ids() == expected


@pytest.mark.usefixtures("rarely_looked")
@pytest.mark.parametrize("kind", ["fails", "is cancelled"])
async def test_a_reading_that_breaks_off_is_done_again(town: Town, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between learning who changed and reading how they are now: nobody may be lost there."""
    (there,) = await town.settle()
    reached = asyncio.Event()

    async def breaks(_session: AsyncSession, _ids: object) -> None:
        reached.set()
        if kind == "fails":
            raise ConnectionError
        await asyncio.sleep(60)

    with monkeypatch.context() as patched:
        patched.setattr(live, "current", breaks)
        if kind == "fails":
            assert await town.ids() == [there], "the store's own path answers"
        else:
            asking = asyncio.create_task(town.ids())
            await asyncio.wait_for(reached.wait(), 10)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
    assert reached.is_set()
    assert town.grid.loaded
    assert await town.ids() == [there]


async def test_keeping_outlives_a_store_that_fails(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(live, "RELOAD_AT", 0)
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):

        async def fails(_session: AsyncSession) -> None:
            raise ConnectionError("10.0.0.1 of somebody")

        patched.setattr(live, "position", fails)
        expected = await town.settle()
        await until(lambda: not town.grid.loaded, "it was left behind", 10)
        assert await town.ids() == expected
        await until(lambda: "the live grid waits: ConnectionError" in caplog.text, "it says so", 10)
    assert "somebody" not in caplog.text
    monkeypatch.setattr(live, "RELOAD_AT", 50_000)
    await town.loaded()
    await town.agree()


async def test_nobody_waits_behind_a_look_that_is_not_answered(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await town.settle(*(town.person() for _ in range(3)))
    with monkeypatch.context() as patched:

        async def silent(*_: object) -> None:
            await asyncio.sleep(60)

        patched.setattr(live, "looked_since", silent)
        patched.setattr(live, "PATIENCE", 0.2)
        assert await asyncio.wait_for(town.ids(), 20) == expected
    await town.loaded()
    assert len(await town.agree()) == 3


async def test_a_grid_left_behind_reads_everybody_anew(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RELOAD_AT", 100)
    few = await town.settle(*(town.person() for _ in range(100)))
    assert (await town.ids(), town.grid.loaded) == (few, True)
    await town.settle(*(town.person() for _ in range(101)))
    assert len(await town.agree()) == 201
    await town.loaded()
    assert town.grid.people == 201
    assert len(await town.agree()) == 201
    assert town.grid.loaded


async def test_memory_follows_the_people_that_are_there(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MERGE_AT", 50)
    ids = await town.settle(*(town.person() for _ in range(2_000)))
    await until(lambda: _merged(town, 2_000), "it is merged", 20)
    full = town.grid.nbytes
    assert 12 * 2_000 <= full < 30 * 2_000  # 10 bytes a place, 2 a person, and what else there is
    for _ in range(6):
        await town.clerk("UPDATE subscriber SET language = 1 + language % 3")
    await until(lambda: _merged(town, 2_000), "it is merged", 20)
    assert town.grid.nbytes <= full + 1_000
    await town.clerk("DELETE FROM place WHERE subscriber_id > :first", first=ids[99])
    await until(lambda: _merged(town, 100), "it is merged", 20)
    assert town.grid.nbytes < full / 10
    assert await town.ids() == ids[:100]


async def _merged(town: Town, people: int) -> bool:
    await town.ask()
    return town.grid.people == people and len(town.grid._overlay or ()) <= live.MERGE_AT


async def test_who_slept_past_the_cut_reads_everybody_anew(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the database's clock, which cuts: a machine that was suspended has not counted the hours itself."""
    expected = await town.settle()
    assert await town.ids() == expected
    expected += await town.settle()
    await town.clerk("DELETE FROM audience_change")
    later = changes.looked_since

    async def after_a_night(
        session: AsyncSession, since: changes.Position, most: int
    ) -> tuple[changes.Position, list[int]]:
        now, ids = await later(session, since, most)
        return changes.Position(now.seen, now.at + timedelta(hours=13)), ids

    with monkeypatch.context() as patched:
        patched.setattr(live, "looked_since", after_a_night)
        assert await town.ids() == expected
    await town.loaded()
    assert await town.ids() == expected


async def test_the_worker_cuts_the_log_and_leaves_what_is_new(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    old, newer = await town.settle(town.person(), town.person())
    assert await town.ids() == [old, newer]
    monkeypatch.setattr(schedule, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(schedule, "PRUNE_EVERY", 0.2)
    async with town.house.store.reading() as session:
        now = (await changes.position(session)).at

    async def age(id_: int, hours: float) -> None:
        async with town.house.store.writing() as session:
            await session.execute(
                update(AudienceChange)
                .where(AudienceChange.subscriber_id == id_)
                .values(at=now - timedelta(hours=hours))
            )

    async def left() -> set[int]:
        async with town.house.store.reading() as session:
            return set(await session.scalars(select(AudienceChange.subscriber_id)))

    await age(old, 24.1)
    await age(newer, 23.8)
    stopping = asyncio.Event()
    keeping = asyncio.create_task(keep_schedule(town.house.desk, stopping))

    async def only(id_: int) -> bool:
        return await left() == {id_}

    try:
        await until(lambda: only(newer), "the log is cut when the worker starts", 10)
        await age(newer, 24.1)
        await town.settle()
        (third,) = await left() - {newer}
        await until(lambda: only(third), "and again", 10)
    finally:
        stopping.set()
        await keeping
    assert len(await town.agree()) == 3


async def test_a_store_that_counts_from_further_back_is_read_anew(town: Town) -> None:
    """One restored, or failed over, under a running process: what is held is of another log."""
    (there,) = await town.settle()
    await town.ids()
    position = town.grid._position
    assert position is not None
    ahead = f"{position.reached + 10**9}"
    town.grid._position = replace(position, seen=f"{ahead}:{ahead}:" if ":" in position.seen else ahead)
    (moved_in,) = await town.settle()
    assert await town.ids() == [there, moved_in], "the store's own path answers"
    await town.loaded()
    await town.agree()


@ON_POSTGRESQL
async def test_a_log_that_came_from_a_server_that_had_counted_further_is_read_past(town: Town) -> None:
    """A dump brought back on a new server: its entries' transactions lie in this one's future."""
    (there,) = await town.settle()
    await town.ids()
    await town.clerk(
        "INSERT INTO audience_change (xid, subscriber_id)"
        " SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) + 1000000, n FROM generate_series(1, 60000) AS n"
    )
    for _ in range(3):
        assert await town.ids() == [there]
        assert town.grid.loaded
    async with town.house.store.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM audience_change"))).scalar_one() > 60_000


@pytest.mark.requirement("S002-14")
async def test_a_ward_that_nobody_knows_does_not_keep_an_alert_from_the_others(chain: Chain) -> None:
    """A clerk's slip in one row of a million."""
    await chain.settle()
    await chain.settle(wards=[WardPlace("kothrud-bavdhan")])
    async with chain.house.store.writing() as session:
        await session.execute(update(AreaPlace).values(code="nowhere"))
    _, released = await chain.broadcast(channels=("push",))
    assert released.people == 2
