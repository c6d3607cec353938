"""Rounded cells on both stores: told by shared ground, never by a common side, and nothing of the point is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import select

from geoalert.alerts import find_alert, messages_of
from geoalert.audience.grounds import by_ground
from geoalert.audience.places import people_in
from geoalert.dispatch.packed import packed
from geoalert.operations.device_plan import device_plan
from geoalert.report import prove
from geoalert.store import database_now
from geoalert.subscribers import erase, import_file, make_person, register
from geoalert.subscribers.person import RoundedPlace, WardPlace, round_off
from geoalert.subscribers.rounded import rounded_box, squares_over
from geoalert.subscribers.tables import AreaPlace, Place, Subscriber
from tests.changes import add_ward
from tests.workbench import HADAPSAR, KOTHRUD, Chain

CODE = "cell:16556:38727"  # of KOTHRUD
WEST, SOUTH, EAST, NORTH = rounded_box(CODE).bounds
BESIDE = ((WEST - 0.005, SOUTH - 0.005), (WEST - 0.005, (SOUTH + NORTH) / 2))  # outside the cell, in most areas here


def drawn(shape: shapely.Polygon) -> dict[str, Any]:
    return dict(json.loads(shapely.to_geojson(shape)))


async def rounded(chain: Chain, at: tuple[float, float] = KOTHRUD) -> int:
    person = make_person(
        addresses={"push": "rounded-token"},
        rounded=[round_off(at[1], at[0], chain.house.desk.city.config.bbox)],
        consent="test",
    )
    async with chain.house.store.writing() as session:
        (id_,) = await register(session, [person], "test")
    return id_


@pytest.mark.parametrize(
    ("area", "told"),
    [
        (shapely.box(WEST - 0.01, SOUTH, WEST, NORTH), False),  # a common side
        (shapely.box(WEST - 0.01, SOUTH - 0.01, WEST, SOUTH), False),  # a common corner
        (shapely.box(WEST - 0.01, SOUTH, round(WEST + 1e-7, 7), NORTH), True),
        (shapely.box(EAST - 0.0001, NORTH - 0.0001, EAST - 0.00005, NORTH - 0.00005), True),  # far from the point
        (shapely.box(WEST - 0.01, SOUTH - 0.01, EAST + 0.01, NORTH + 0.01), True),
        (
            shapely.box(WEST - 0.01, SOUTH - 0.01, EAST + 0.01, NORTH + 0.01)
            - shapely.box(WEST - 0.001, SOUTH - 0.001, EAST + 0.001, NORTH + 0.001),
            False,  # a hole around it
        ),
    ],
)
async def test_told_when_ground_is_shared_and_only_then(chain: Chain, area: shapely.Polygon, told: bool) -> None:
    subscriber = await rounded(chain)
    await chain.settle(at=HADAPSAR)
    desk = chain.house.desk
    async with chain.house.store.reading() as session:
        found = await people_in(session, area, desk.last_known(await database_now(session)))
    assert found.subscriber.tolist() == [subscriber] * told
    assert not found.certain.any()
    neighbours = {await chain.settle(at=at): shapely.Point(at) for at in BESIDE}
    inside = {id_ for id_, point in neighbours.items() if area.intersects(point)} | ({subscriber} if told else set())
    identifier, _ = await chain.sent(wards=[], drawn=drawn(area))
    async with chain.house.store.reading() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        proof = await prove(session, message, desk.last_known(await database_now(session)))
        assert set((await packed(session, message.id)).owner) == inside
    assert (proof.told, proof.outside, proof.inside) == (len(inside), 0, len(inside))


@pytest.mark.requirement("S002-14")
async def test_a_file_gives_cells_and_the_store_keeps_no_point(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = ("rounded-token-1,cell:18.5074 73.8077", "rounded-token-2,cell:18.5 200", "rounded-token-3,cell:here")
    path.write_text("push_token,places\n" + "\n".join(rows) + "\n", encoding="utf-8")
    report = await import_file(chain.house.store, path, {}, frozenset(), chain.house.desk.city.config.bbox)
    assert (report.added, [(row.line, row.field) for row in report.first]) == (1, [(3, "places"), (4, "places")])
    async with chain.house.store.reading() as session:
        (place,) = await session.scalars(select(AreaPlace))
        assert (place.kind, place.code) == ("cell", CODE)
        assert (await session.scalars(select(Place))).all() == []
        reference = (await session.scalars(select(Subscriber.reference))).one()
    async with chain.house.store.writing() as session:
        await erase(session, reference, "test")
    async with chain.house.store.reading() as session:
        assert (await session.scalars(select(AreaPlace))).all() == []


async def test_many_cells_and_wards_agree_with_plain_shapely(chain: Chain) -> None:
    codes, boxes = squares_over(73.70, 18.40, 74.00, 18.60)
    here = shapely.box(*shapely.bounds(shapely.union_all(boxes)))
    people = [
        make_person(addresses={"push": f"rounded-token-{n:05}"}, rounded=[RoundedPlace(code)], consent="test")
        for n, code in enumerate(codes)
    ]
    people.append(make_person(addresses={"push": "ward-token"}, wards=[WardPlace("kothrud-bavdhan")], consent="x"))
    async with chain.house.store.writing() as session:
        ids = await register(session, people, "test")
    tree = chain.house.desk.city.tree
    async with chain.house.store.reading() as session:
        now = await database_now(session)
        office = tree.get("kothrud-bavdhan", chain.house.desk.day(now)).geometry
        grounds = [*boxes, office]
        for area in (office, shapely.box(73.80, 18.50, 73.81, 18.51), rounded_box(CODE), here):
            found = await by_ground(session, area, chain.house.desk.last_known(now))
            expected = [id_ for id_, ground in zip(ids, grounds, strict=True) if ground.intersection(area).area > 0]
            assert found.subscriber.tolist() == expected


async def test_a_plan_counts_the_people_it_reaches_beyond(chain: Chain) -> None:
    await chain.settle()
    await chain.settle(at=(EAST - 0.0001, NORTH - 0.0001))
    area = shapely.Point(KOTHRUD).buffer(0.0001)
    async with chain.house.store.reading() as session:
        made = await device_plan(session, chain.house.desk, area)
    assert made.topics == (CODE,)
    assert (made.topics_reach.people_beyond, made.outline_reach.people_beyond) == (1, 0)


async def test_a_code_that_is_no_square_keeps_no_alert_from_anybody(chain: Chain) -> None:
    await add_ward(chain.house, await chain.settle(at=HADAPSAR), "cell:16556:x")
    await rounded(chain)
    _, released = await chain.sent()
    assert released.people == 1
