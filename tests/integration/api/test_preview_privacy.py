"""A preview must not locate a home, and who previewed what is on record."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import shapely
from sqlalchemy import select

from geoalert.audit import verify
from geoalert.audit.tables import AuditEntry
from geoalert.operations.demo_story import WATER
from geoalert.operations.preview_journal import ACTION, MINUTE, Looked, PreviewJournal
from geoalert.operations.service_areas import take_areas
from tests.integration.api.conftest import Door, refusal
from tests.integration.api.previews import (
    KOTHRUD_OFFICE,
    METRE,
    around,
    ask,
    author,
    drawn,
    preview,
    settle_many,
)
from tests.service_areas import TANK, make_area
from tests.workbench import HADAPSAR, KOTHRUD


async def journal_of(door: Door) -> list[dict[str, Any]]:
    async with door.house.store.reading() as session:
        rows = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == ACTION).order_by(AuditEntry.id))
        return [json.loads(row) for row in rows]


def numbers(found: object) -> list[float]:
    """Every count in an answer."""
    if isinstance(found, dict):
        return [number for key, value in found.items() if key != "segments" for number in numbers(value)]
    if isinstance(found, list):
        return [number for value in found for number in numbers(value)]
    return [found] if isinstance(found, int) and not isinstance(found, bool) else []


async def test_who_only_drafts_sees_every_figure_rounded_to_ten(door: Door) -> None:
    await settle_many(door.house, 4, KOTHRUD)
    await settle_many(door.house, 16, HADAPSAR)
    both = {"wards": ["kothrud-bavdhan", "hadapsar-mundhwa"]}
    exact = await preview(door, door.approver, both, texts=WATER)
    assert (exact["people"], exact["rounded"]) == (20, False)
    junior = await author(door)
    for credential in (junior, door.demo.machine, door.demo.cell):
        found = await preview(door, credential, both, texts=WATER)
        assert (found["people"], found["by_channel"], found["rounded"], found["widened"]) == (
            20,
            {"sms": {"mr": 20}},
            True,
            False,
        )
        assert [(row["office_code"], row["people"]) for row in found["by_office"]] == [("hadapsar-mundhwa", 20)]
        few = await preview(door, credential, KOTHRUD_OFFICE, texts=WATER)
        assert (few["people"], few["by_channel"], few["by_office"], few["estimated_cost_rupees"]) == (0, {}, [], 0)
        assert few["expected_minutes"] == {"push": 0, "sms": 0}
        for answer in (found, few):
            assert {number % 10 for number in numbers({**answer, "expected_minutes": {}})} == {0}
    assert (await preview(door, door.approver, KOTHRUD_OFFICE))["people"] == 4
    margins = [
        (await preview(door, credential, both, severity=severity))["without_margin"]
        for credential in (junior, door.approver)
        for severity in ("Moderate", "Severe")
    ]
    assert margins == [False, True, False, False]
    refusal(await ask(door, door.caller, KOTHRUD_OFFICE), 403)


@pytest.mark.parametrize("half", [200, 254])
async def test_who_only_drafts_draws_no_small_area(door: Door, half: float) -> None:
    junior, small, large = await author(door), around(half), around(400, HADAPSAR)
    for area in (
        drawn(small),
        drawn(shapely.MultiPolygon([large, small])),
        KOTHRUD_OFFICE | drawn(small),
        drawn(around(400).difference(around(390))),
    ):
        body = refusal(await ask(door, junior, area), 422, "/area/drawn")
        assert "0.25 km²" in body["detail"]
        assert (await ask(door, door.approver, area)).status_code == 200
    assert (await ask(door, junior, drawn(around(262)))).status_code == 200


async def test_no_hole_notch_or_shift_around_a_home_changes_what_who_only_drafts_sees(door: Door) -> None:
    """Fourteen others and one home: exact figures would tell 14 from 15, which rounds to 10 and 20."""
    home = (KOTHRUD[0] + 90 * METRE, KOTHRUD[1])
    await settle_many(door.house, 14, KOTHRUD)
    await settle_many(door.house, 1, home)
    whole, there = around(400), around(20, home)
    west_of_it = shapely.intersection(whole, shapely.box(73.0, 18.0, home[0] - 20 * METRE, 19.0))
    without = [whole.difference(there), shapely.union(west_of_it, around(260, (home[0] - 281 * METRE, home[1])))]
    assert [(await preview(door, door.approver, drawn(area)))["people"] for area in (whole, *without)] == [15, 14, 14]

    junior = await author(door)
    with_wards = [KOTHRUD_OFFICE | drawn(area) for area in (whole, without[0])]
    for areas in ([drawn(whole), drawn(without[0])], with_wards):
        seen = [await preview(door, junior, area, texts=WATER) for area in areas]
        assert seen[0] == seen[1]
        assert (seen[0]["people"], seen[0]["widened"], seen[0]["rounded"]) == (20, True, True)
        assert [row["office_code"] for row in seen[0]["by_office"]] == ["kothrud-bavdhan"]


async def test_service_areas_alone_keep_their_line_and_with_others_lose_it(door: Door) -> None:
    async with door.house.store.writing() as session:
        other = make_area("other-tank", shapely.box(73.82, 18.50, 73.83, 18.51))
        await take_areas(session, door.house.desk, [make_area(), other], "test")
    beside = (TANK.bounds[2] + 30 * METRE, KOTHRUD[1])  # 30 m east of the tank's area
    await settle_many(door.house, 10, KOTHRUD)
    await settle_many(door.house, 10, beside)
    junior = await author(door)
    for area, people, widened in (
        ({"areas": ["test-tank"]}, 10, False),
        ({"areas": ["test-tank", "other-tank"]}, 20, True),
        ({"areas": ["test-tank"], "wards": ["hadapsar-mundhwa"]}, 20, True),
    ):
        found = await preview(door, junior, area)
        assert (found["people"], found["widened"]) == (people, widened)
        assert (await preview(door, door.approver, area))["people"] == 10


async def test_a_preview_is_in_the_audit_before_it_is_answered(door: Door) -> None:
    await settle_many(door.house, 3, KOTHRUD)
    junior = await author(door)
    await preview(door, junior, KOTHRUD_OFFICE)
    (entry,) = await journal_of(door)
    assert entry["actor"].startswith("officer:")
    (area,) = entry["detail"]["areas"]
    assert set(area) == {"sha256", "km2", "drawn"}
    assert (area["km2"], area["drawn"], entry["detail"]["previews"]) == (22.9, False, 1)
    alert = await door.drafted()
    assert area["sha256"] == alert["messages"][0]["content"]["area"]["sha256"]  # so an area can be found there


async def test_many_moves_of_a_mouse_are_few_entries_and_all_areas(door: Door) -> None:
    journal = door.app.state.house.journal
    now = 1_000.0
    journal.clock = lambda: now
    moves = [drawn(around(300 + step)) for step in range(12)]
    for _ in range(2):
        await asyncio.gather(*(preview(door, door.approver, area) for area in moves))
    assert len(await journal_of(door)) == 1
    await preview(door, door.disaster[0], moves[0])  # another person: an entry of their own
    assert len(await journal_of(door)) == 2
    now += MINUTE
    await preview(door, door.approver, KOTHRUD_OFFICE)
    first, other, second = await journal_of(door)
    assert (first["actor"], second["actor"]) == (first["actor"], first["actor"])
    assert other["actor"] != first["actor"]
    assert first["detail"]["previews"] + second["detail"]["previews"] == 25
    listed = {area["sha256"] for entry in (first, second) for area in entry["detail"]["areas"]}
    assert len(listed) == 13
    assert "73.8" not in json.dumps([first, second])
    assert (await verify(door.house.store))[2] is None


async def test_what_was_collected_is_written_when_the_process_ends(door: Door) -> None:
    await preview(door, door.approver, KOTHRUD_OFFICE)
    await preview(door, door.approver, drawn(around(300)))
    assert len(await journal_of(door)) == 1
    journal, stopping = door.app.state.house.journal, asyncio.Event()
    stopping.set()
    await journal.keep(stopping)
    assert [entry["detail"]["previews"] for entry in await journal_of(door)] == [1, 1]
    await journal.keep(stopping)
    assert len(await journal_of(door)) == 2


async def test_who_looks_while_a_minute_is_being_written_is_on_record_too(door: Door) -> None:
    now = 1_000.0
    journal = PreviewJournal(door.house.store, lambda: now)
    areas = [Looked.at(around(300 + step), 0.36, drawn=True) for step in range(4)]
    for area in areas[:2]:
        await journal.note("officer:test", area)
    now += MINUTE
    writing = asyncio.create_task(journal.flush(all_=False))
    await asyncio.sleep(0)  # it has come as far as the store: what follows waits for it
    await asyncio.gather(writing, *(journal.note("officer:test", area) for area in areas[2:]))
    await journal.flush()
    details = [entry["detail"] for entry in await journal_of(door)]
    assert sum(detail["previews"] for detail in details) == 4
    listed = [area["sha256"] for detail in details for area in detail["areas"]]
    assert sorted(listed) == sorted(area.sha256 for area in areas)
    now += MINUTE
    await journal.flush(all_=False)
    assert not journal._minutes, "who looks no more takes no room"


async def test_a_refused_preview_leaves_no_entry(door: Door) -> None:
    refusal(await ask(door, door.approver, {"wards": ["atlantis"]}), 422)
    assert await journal_of(door) == []
