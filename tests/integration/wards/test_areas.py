"""Service areas on both stores: versions, refusals, and an alert that tells exactly the people in one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import shapely
from sqlalchemy import select, text

from geoalert.alerts import find_alert, messages_of
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.errors import Conflict, Invalid
from geoalert.operations.compose import compose
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.service_areas import take_areas
from geoalert.report import prove
from geoalert.store import database_now
from geoalert.subscribers.person import Point
from geoalert.wards.areas import Imported, area_versions, areas_in_force
from geoalert.wards.service_area import ServiceArea
from tests.conftest import Providers
from tests.service_areas import BEGIN, TANK, make_area
from tests.stores import ON_POSTGRESQL
from tests.workbench import HADAPSAR, KOTHRUD, Chain

TODAY = date(2026, 11, 1)
OTHER_SIDE = (73.7895, 18.5085)  # in Kothrud-Bavdhan, not in the tank's area
LATER = date(2025, 4, 1)
WIDER = shapely.box(73.780, 18.500, 73.815, 18.515)


async def take(house: House, *areas: ServiceArea) -> Imported:
    async with house.store.writing() as session:
        return await take_areas(session, house.desk, areas, "test")


async def held(house: House, on: date = TODAY) -> dict[str, ServiceArea]:
    async with house.store.reading() as session:
        return await areas_in_force(session, "pune", on)


@pytest.mark.requirement("S002-14")
async def test_an_alert_tells_exactly_the_people_in_a_service_area(chain: Chain, providers: Providers) -> None:
    await take(chain.house, make_area())
    inside = [await chain.settle(), await chain.settle(channels=("sms",))]
    inside.append(await chain.settle(at=HADAPSAR, more_points=[Point(*KOTHRUD)]))
    inside.append(await chain.settle(at=(TANK.bounds[0], 18.51)))  # on the line
    await chain.settle(at=OTHER_SIDE)  # the same office, another tank
    await chain.settle(at=HADAPSAR)

    identifier, released = await chain.sent(wards=[], areas=["test-tank", "test-tank"])
    assert released.people == len(inside)
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 3
    assert providers.sandbox.channels()["sms"]["recipients"] == 1
    assert (await chain.report(identifier))["balanced"]
    async with chain.house.store.reading() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        proof = await prove(session, message, chain.house.desk.last_known(await database_now(session)))
    assert (proof.told, proof.outside, proof.twice, proof.inside) == (4, 0, 0, 4)
    assert json.loads(message.content)["area"]["areas"] == [{"code": "test-tank", "version": 1}]

    cleared = await chain.cancel(identifier, ALL_CLEAR)
    assert cleared.people == len(inside)
    async with chain.house.store.reading() as session:
        *_, last = await messages_of(session, await find_alert(session, identifier))
    assert json.loads(last.content)["area"]["areas"] == [{"code": "test-tank", "version": 1}]


async def test_areas_wards_and_a_drawn_shape_are_one_audience(chain: Chain) -> None:
    await take(chain.house, make_area(), make_area("second-tank", shapely.box(73.93, 18.49, 73.94, 18.51)))
    await chain.settle()
    await chain.settle(at=HADAPSAR, more_points=[Point(*KOTHRUD)])
    await chain.settle(at=OTHER_SIDE)
    _, areas = await chain.sent(wards=[], areas=["test-tank", "second-tank"])
    _, mixed = await chain.sent(areas=["second-tank"])
    assert (areas.people, mixed.people) == (2, 3)


async def test_an_emergency_may_name_a_service_area(chain: Chain) -> None:
    await take(chain.house, make_area())
    await chain.settle()
    await chain.settle(at=OTHER_SIDE)
    _, released = await chain.broadcast(wards=[], areas=["test-tank"])
    assert released.people == 1


@pytest.mark.parametrize(
    ("areas", "pointer", "reason"),
    [
        (["test-tank", "nowhere"], "/area/areas/1", "no service area 'nowhere' in force"),
        (["ended"], "/area/areas/0", "in force"),
        (["to-come"], "/area/areas/0", "in force"),
        (["test-tank"] * 201, "/area/areas", "at most 200"),
        (["drawn-by-hand"], "/area/areas/0", "only a drill may aim at it"),
        ([], "/area", "needs an area"),
    ],
)
async def test_a_service_area_that_cannot_be_aimed_at_is_refused(
    chain: Chain, areas: list[str], pointer: str, reason: str
) -> None:
    await take(
        chain.house,
        make_area(),
        make_area("ended", valid_to=date(2022, 1, 1)),
        make_area("to-come", valid_from=date(2199, 1, 1)),
        make_area("drawn-by-hand", illustrative=True),
    )
    with pytest.raises(Invalid, match=reason) as refusal:
        await chain.drafted(wards=[], areas=areas)
    assert refusal.value.pointer == pointer


async def test_an_illustrative_area_serves_drills_only(chain: Chain, providers: Providers) -> None:
    await take(chain.house, make_area(illustrative=True))
    await chain.settle()
    with pytest.raises(Invalid, match="illustrative"):
        await chain.broadcast(wards=[], areas=["test-tank"])
    identifier, released = await chain.sent(wards=[], areas=["test-tank"], drill=True)
    assert released.people == 1
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 1  # a sandbox rehearses
    async with chain.house.store.reading() as session:
        assert (await find_alert(session, identifier)).drill


async def test_a_new_version_ends_the_old_one_and_an_old_alert_keeps_its_line(chain: Chain) -> None:
    house = chain.house
    assert (await take(house, make_area())).new == ("test-tank",)
    alert, message = await chain.drafted(wards=[], areas=["test-tank"])
    assert (await take(house, make_area(shape=WIDER, valid_from=LATER))).changed == ("test-tank",)

    before, after = (await held(house, date(2025, 3, 31)))["test-tank"], (await held(house, LATER))["test-tank"]
    assert (before.version, before.valid_to, before.geometry.equals(TANK)) == (1, LATER, True)
    assert (after.version, after.valid_to, after.geometry.equals(WIDER)) == (2, None, True)
    assert await held(house, date(2021, 6, 29)) == {}

    async with house.store.reading() as session:
        (stored,) = await messages_of(session, await find_alert(session, alert.identifier))
        now = await compose(session, house.desk, await chain.request(wards=[], areas=["test-tank"]))
    assert stored.area.equals(TANK)
    assert stored.content_hash == message.content_hash
    assert now.areas == ({"code": "test-tank", "version": 2},)
    assert now.area.equals(WIDER)


async def test_the_version_is_part_of_what_is_approved(chain: Chain) -> None:
    """The same ground under another version is another content."""
    await take(chain.house, make_area())
    request = await chain.request(wards=[], areas=["test-tank"])
    async with chain.house.store.reading() as session:
        first = (await compose(session, chain.house.desk, request)).document()
    await take(chain.house, make_area(valid_from=LATER))
    async with chain.house.store.reading() as session:
        second = (await compose(session, chain.house.desk, request)).document()
    assert first != second
    assert json.loads(first)["area"]["sha256"] == json.loads(second)["area"]["sha256"]


async def test_the_same_file_twice_changes_nothing(house: House) -> None:
    areas = (make_area(), make_area("second-tank"))
    await take(house, *areas)
    assert await take(house, *areas) == Imported((), (), (), ("test-tank", "second-tank"))
    assert (await take(house, make_area(valid_to=LATER))).ended == ("test-tank",)
    assert set(await held(house)) == {"second-tank"}
    async with house.store.reading() as session:
        entries = list(await session.scalars(select(AuditEntry).where(AuditEntry.action == "areas.imported")))
        assert [area.version for area in await area_versions(session, "pune")] == [1, 1]
        assert [area.valid_to for area in await area_versions(session, "pune", "test-tank")] == [LATER]
    assert len(entries) == 2


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"department": "no-such"}, Invalid, "no department 'no-such'"),
        ({"shape": WIDER}, Conflict, "held from 2021-06-30 and differs"),
        ({"name_en": "Other"}, Conflict, "differs"),
        ({"valid_from": date(2021, 1, 1)}, Conflict, "has a later version"),
        ({"illustrative": True, "valid_from": LATER}, Conflict, "illustrative one cannot take its place"),
        ({"valid_to": date(2030, 1, 1)}, Conflict, "ends on 2027-01-01 already"),
    ],
)
async def test_an_import_that_cannot_be_leaves_nothing(
    house: House, changes: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    await take(house, make_area(valid_to=date(2027, 1, 1)))
    with pytest.raises(kind, match=reason):
        await take(house, make_area("second-tank"), make_area(**({"valid_to": date(2027, 1, 1)} | changes)))
    assert set(await held(house)) == {"test-tank"}


async def test_a_real_area_takes_the_place_of_an_illustrative_one(house: House) -> None:
    await take(house, make_area(illustrative=True))
    await take(house, make_area(valid_from=LATER))
    assert not (await held(house))["test-tank"].illustrative


async def test_two_imports_at_once_are_one_after_the_other(house: House) -> None:
    taken = await asyncio.gather(*(take(house, make_area(), make_area(f"tank-{number}")) for number in range(4)))
    assert sorted(len(one.new) for one in taken) == [1, 1, 1, 2]
    assert len(await held(house)) == 5


async def test_what_comes_out_is_what_went_in(house: House) -> None:
    area = make_area(shape=shapely.MultiPolygon([TANK, shapely.box(73.83, 18.52, 73.84, 18.53)]), valid_to=LATER)
    await take(house, area)
    (found,) = (await held(house, BEGIN)).values()
    assert replace(found, geometry=TANK, version=0) == replace(area, geometry=TANK)
    assert found.geometry.equals(area.geometry)


@ON_POSTGRESQL
async def test_areas_are_open_to_postgis(house: House) -> None:
    await take(house, make_area())
    async with house.store.reading() as session:
        metres = await session.scalar(text("SELECT ST_Area(geometry::geography) FROM service_area"))
        index = await session.scalar(
            text("SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_service_area_geometry' AND indexdef ~ 'gist'")
        )
    assert metres == pytest.approx(2.63e6, rel=0.01)
    assert index == 1
