"""What finding an audience asks of the store: few questions, and nobody who could not be told anyway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import pytest
from shapely.geometry.base import BaseGeometry
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience import Aim, People, live, people_in, resolve
from geoalert.audience.live import LiveGrid
from geoalert.audience.rules import sieve_of
from geoalert.audience.sieve import Sieve
from geoalert.store.copying import bare_connection
from geoalert.subscribers.codes import SEVERITIES
from geoalert.subscribers.person import WardPlace
from tests.integration.audience.conftest import kept
from tests.integration.audience.town import AROUND, Town, X, Y, ground_of

USED = (frozenset({1}), frozenset({2, 6}), frozenset({1, 2, 6}), frozenset[int]())
NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@asynccontextmanager
async def statements(grid: LiveGrid) -> AsyncIterator[list[str]]:
    """What the grid asks of its store meanwhile, by SQLAlchemy and by the driver of the connection it keeps."""
    asked: list[str] = []
    async with grid._one:  # while it looks by itself, it holds the connection
        assert grid._looking is not None
        raw = await bare_connection(grid._looking) if grid.store.dialect == "postgresql" else None

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    def heard(record: Any) -> None:
        asked.append(record.query)

    event.listen(grid._own.engine.sync_engine, "before_cursor_execute", note)
    if raw is not None:
        raw.add_query_logger(heard)
    try:
        yield asked
        await asyncio.sleep(0)  # the driver tells of a statement soon after it
    finally:
        event.remove(grid._own.engine.sync_engine, "before_cursor_execute", note)
        if raw is not None:
            raw.remove_query_logger(heard)


@pytest.fixture
async def quiet(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Nobody but the test looks."""
    monkeypatch.setattr(live, "LOOK_EVERY", 600.0)
    await town.settle(town.person(), town.person(wards=[WardPlace("near")]))
    await town.ids()
    while town.grid._behind.is_set():
        await town.ids()
    return town


async def test_a_question_to_the_grid_is_one_statement_where_nobody_changed(quiet: Town) -> None:
    expected = await quiet.agree()
    async with statements(quiet.grid) as asked:
        for _ in range(3):
            assert await quiet.ask() == expected
    # It may have looked by itself once, when it had loaded.
    assert 3 <= len(asked) <= 4, asked
    assert all("audience_change" in statement for statement in asked)


async def test_wards_and_rounded_cells_are_answered_from_memory(quiet: Town) -> None:
    (moved,) = await quiet.settle(quiet.person((), wards=[WardPlace("far")]))
    before = await quiet.agree()
    await quiet.clerk("UPDATE area_place SET code = 'near' WHERE subscriber_id = :id", id=moved)
    after = await quiet.agree()
    assert {row[0] for row in after} - {row[0] for row in before} == {moved}
    async with statements(quiet.grid) as asked:
        assert await quiet.ask() == after
    assert not any("area_place" in statement for statement in asked)


async def test_the_sieve_bars_nobody_whom_the_rules_tell(town: Town) -> None:
    """And, over points, everybody whom the rules bar: the same members for every message, without the others."""
    chance = np.random.default_rng(11)
    people = []
    for _ in range(60):
        channels = (("push",), ("sms", "push"), ("email",), ("email", "sms"))[int(chance.integers(4))]
        wishes = {
            "consent": ("", "test")[int(chance.integers(2))],
            "categories": int(chance.integers(1, 8)),
            "min_severity": ("Minor", "Moderate", "Severe")[int(chance.integers(3))],
            "quiet": (0, 719) if chance.random() < 0.3 else None,
        }
        people.append(town.person(((X, Y), (X + 9, Y + 9))[: int(chance.integers(1, 3))], channels=channels, **wishes))
    ids = await town.settle(*people)
    await town.clerk("UPDATE subscriber SET state = 'paused' WHERE id % 5 = 0")
    await town.clerk("UPDATE address SET state = 'stopped' WHERE owner_kind = 'subscriber' AND id % 4 = 0")

    async def everybody(
        session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], _: Sieve | None = None
    ) -> People:
        return await people_in(session, area, ground_of)

    fewer = 0
    async with kept(LiveGrid(town.house.store)) as anew, town.house.store.reading() as session:
        for severity, bit, used in product(SEVERITIES, (0, 2), USED):
            aim = Aim(AROUND, bit, severity, used, town.house.desk.zone, ground_of)
            whole, sifted = await resolve(session, aim, NOON, everybody), await resolve(session, aim, NOON)
            in_memory, overlaid = [await resolve(session, aim, NOON, grid) for grid in (anew, town.grid)]
            for name in ("subscriber", "channel", "language", "hold"):
                for found in (sifted, in_memory, overlaid):
                    assert np.array_equal(getattr(whole.members, name), getattr(found.members, name)), (aim, name)
            assert whole.told == sifted.told == len(sifted.people) == len(in_memory.people)
            assert len(whole.people) == len(ids)
            fewer += len(sifted.people) < len(whole.people)
            passed = await people_in(session, AROUND, ground_of, sieve_of(bit, severity, used))
            assert np.array_equal(passed.subscriber, whole.people.subscriber[whole.ruled.told])
    assert fewer > 30
