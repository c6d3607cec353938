"""`geoalert audience verify`: quiet on a sound store, and it finds what somebody broke."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest

from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.person import WardPlace
from tests.e2e.commands import Ran
from tests.e2e.warm import shell
from tests.integration.audience.town import Town

PEOPLE = 600
pytestmark = pytest.mark.usefixtures("many")


@pytest.fixture
async def many(town: Town) -> None:
    """All over the city, some with two places, some with a ward instead."""
    chance = np.random.default_rng(4)
    units = [ward.code for ward in town.house.desk.city.tree.in_force(town.house.desk.city.tree.epochs[0].valid_from)]
    where = (chance.uniform((73.7, 18.4), (74.0, 18.65), (PEOPLE, 2, 2)) * SCALE).round().astype(int).tolist()
    people = [
        town.person(
            [] if number % 5 == 0 else [tuple(point) for point in where[number][: 1 + number % 2]],
            wards=[WardPlace(units[number % len(units)])] if number % 5 == 0 else [],
            channels=(("push",), ("sms", "push"))[number % 2],
        )
        for number in range(PEOPLE)
    ]
    await town.settle(*people)


async def verified(town: Town, tmp_path: Path, *options: str) -> Ran:
    env = {
        "GEOALERT_STORE_URL": town.house.settings.store.url,
        "GEOALERT_STORE_KEY_FILE": str(tmp_path / "keys.json"),
    }
    return await asyncio.to_thread(shell(tmp_path, **env), "audience", "verify", *options)


async def past_the_guards(town: Town, statement: str) -> None:
    """As somebody does who switches triggers and foreign keys off."""
    if town.postgresql:
        connection = await asyncpg.connect(town.house.settings.store.url)
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement)
        await connection.close()
        return
    with closing(sqlite3.connect(town.house.store.engine.url.database or "")) as file, file:
        guards = file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        ours = [(name, sql) for name, sql in guards if name.startswith(("place", "area_place", "subscr", "addr"))]
        for name, _ in ours:
            file.execute(f"DROP TRIGGER {name}")
        file.execute(statement)
        for _, sql in ours:
            file.execute(sql)


def checks(ran: Ran) -> dict[str, Any]:
    return {check["name"]: check for check in ran.document["checks"]}


@pytest.mark.requirement("S002-14")
async def test_a_sound_store_is_clean(town: Town, tmp_path: Path) -> None:
    await town.clerk(
        "UPDATE address SET state = 'stopped' WHERE owner_id < 50 AND owner_kind = 'subscriber' AND channel = 2",
        "UPDATE subscriber SET quiet_from = 5, quiet_to = 300 WHERE id > 200",
        "DELETE FROM place WHERE subscriber_id < 20",
    )
    ran = await verified(town, tmp_path, "--json")
    assert (ran.code, ran.lines, ran.document["clean"]) == (0, [], True)
    found = checks(ran)
    assert all(check["wrong"] == 0 and check["first"] == [] for check in found.values())
    assert found["the cell beside a point is its own"]["checked"] > 600
    assert found["what stands beside a ward is its person's"]["checked"] == 120
    assert found["every ward that was chosen is known"]["checked"] > 15
    assert found["the grid finds whom plain shapely finds"]["checked"] > 1_200, "each area counts its own"
    ran = await verified(town, tmp_path)
    assert ran.code == 0
    assert "the store's path finds whom plain shapely finds" in ran.out


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE place SET attr = attr + 1 WHERE id IN (7, 9)", {"what stands beside a point is its person's": [7, 9]}),
        ("UPDATE subscriber SET language = 3", {"what stands beside a point is its person's": None}),
        ("UPDATE area_place SET categories = 1 WHERE id = 3", {"what stands beside a ward is its person's": [3]}),
        ("UPDATE address SET state = 'stopped' WHERE owner_kind = 'subscriber'", {"what stands beside a ward": None}),
        (
            "DELETE FROM subscriber WHERE id = (SELECT subscriber_id FROM place WHERE id = 3)",
            {"every point has": [3]},
        ),
        ("UPDATE place SET x = 2000000000 WHERE id = 4", {"every point lies on the earth": [4]}),
        ("UPDATE area_place SET code = 'nowhere' WHERE id = 2", {"every ward that was chosen is known": ["nowhere"]}),
        ("UPDATE area_place SET code = 'cell:1' WHERE id = 2", {"every ward that was chosen is known": ["cell:1"]}),
    ],
)
async def test_damage_is_found_and_named_by_ids(
    town: Town, tmp_path: Path, statement: str, broken: dict[str, list[int | str] | None]
) -> None:
    await past_the_guards(town, statement)
    ran = await verified(town, tmp_path, "--json")
    assert (ran.code, ran.document["clean"]) == (1, False)
    wrong = {name: check for name, check in checks(ran).items() if check["wrong"]}
    for start, first in broken.items():
        (check,) = (check for name, check in wrong.items() if name.startswith(start))
        assert len(check["first"]) == min(check["wrong"], 10)
        if first is not None:
            assert (check["first"], check["wrong"]) == (first, len(first))
    line = ran.refused(next(iter(broken)))
    assert all(str(id_) in line for ids in broken.values() for id_ in ids or ())


@pytest.mark.requirement("S002-14")
async def test_a_wrong_cell_is_found_by_itself_and_by_who_is_missed(town: Town, tmp_path: Path) -> None:
    async with town.house.store.reading() as session:
        (whom, x), *_ = await town.inside_city(session)
    await past_the_guards(town, f"UPDATE place SET cell = cell + 70000 WHERE subscriber_id = {whom}")  # noqa: S608
    ran = await verified(town, tmp_path, "--json")
    found = checks(ran)
    assert found["the cell beside a point is its own"]["wrong"] >= 1
    assert found["the store's path finds whom plain shapely finds"]["first"] == [whom]
    assert found["the grid finds whom plain shapely finds"]["wrong"] == 0
    assert str(x) not in ran.out + ran.err, "nobody's place is printed"
