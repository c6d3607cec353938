"""Bringing in a file: what is added, what is known, what is refused, and what is said of it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from geoalert.bootstrap import House
from geoalert.errors import Invalid
from geoalert.subscribers import ImportReport, import_file, make_person, register
from geoalert.subscribers.bring_in import GROUP, LISTED, Refused
from geoalert.subscribers.person import Point
from geoalert.subscribers.tables import Address, Place, Subscriber
from tests.workbench import KOTHRUD

LON, LAT = KOTHRUD
HEADER = "phone,push_token,places,language,categories,consent"


def row(number: int, **changes: str) -> str:
    cells = {
        "phone": f"+91{9_000_000_000 + number}",
        "push_token": "",
        "places": f"{LAT} {LON}",
        "language": "mr",
        "categories": "",
        "consent": "form",
    } | changes
    return ",".join(cells.values())


async def bring_in(house: House, path: Path, rows: list[str]) -> tuple[ImportReport, list[Refused]]:
    path.write_bytes("\n".join([HEADER, *rows]).encode() + b"\n")  # noqa: ASYNC240 - a small file of the test's
    told: list[Refused] = []
    wards = frozenset(house.desk.city.tree.by_code)
    report = await import_file(
        house.store, path, house.desk.category_bits, wards, house.desk.city.config.bbox, refused=told.append
    )
    assert report.rows == report.added + report.known + report.refused
    assert len(told) == report.known + report.refused
    return report, told


async def people(house: House) -> int:
    async with house.store.reading() as session:
        return int((await session.execute(select(func.count()).select_from(Subscriber))).scalar_one())


async def test_every_row_is_added_known_or_refused_and_told_of_in_the_order_of_the_file(
    house: House, tmp_path: Path
) -> None:
    rows = [row(number) for number in range(2 * GROUP + 10)]
    rows[3], rows[GROUP + 5] = row(3, phone="12"), row(0)  # the second has the number of the very first
    rows[7] = row(7, language="xx")
    report, told = await bring_in(house, tmp_path / "people.csv", rows)
    assert (report.added, report.known, report.refused) == (len(rows) - 3, 1, 2)
    assert [(each.line, each.field) for each in told] == [(5, "phone"), (9, "language"), (GROUP + 7, "phone")]
    assert await people(house) == report.added


async def test_a_quotation_mark_that_is_not_closed_swallows_nobody(house: House, tmp_path: Path) -> None:
    rows = [row(1), row(2, consent='"form A'), row(3), row(4, consent='form B"'), row(5)]
    report, told = await bring_in(house, tmp_path / "people.csv", rows)
    assert (report.added, report.refused) == (2, 1)
    assert [each.field for each in told] == ["row"]
    assert "quotation mark" in told[0].reason


async def test_a_column_named_twice_is_refused(house: House, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"phone,places,places\n+919000000001,{LAT} {LON},18.5 73.9\n", encoding="utf-8")
    with pytest.raises(Invalid, match="each once"):
        await import_file(house.store, path, house.desk.category_bits, frozenset(), house.desk.city.config.bbox)
    assert await people(house) == 0


async def test_again_changes_nobody_and_adds_who_is_new(house: House, tmp_path: Path) -> None:
    rows = [row(number) for number in range(50)]
    await bring_in(house, tmp_path / "people.csv", rows)
    async with house.store.reading() as session:
        before = [(p.subscriber_id, p.x, p.y) for p in await session.scalars(select(Place).order_by(Place.id))]
    moved = [row(number, places="18.6 73.9", language="en") for number in range(50)]
    report, told = await bring_in(house, tmp_path / "people.csv", [*moved, row(50)])
    assert (report.added, report.known, report.refused) == (1, 50, 0)
    assert {each.reason for each in told} == {"already subscribed: nothing was changed"}
    async with house.store.reading() as session:
        after = [(p.subscriber_id, p.x, p.y) for p in await session.scalars(select(Place).order_by(Place.id))]
    assert after[: len(before)] == before
    assert len(report.first) == LISTED < len(told)


async def test_whatever_stands_in_the_wrong_column_is_not_repeated(house: House, tmp_path: Path) -> None:
    secret = "9876500123"  # noqa: S105 - a telephone number
    rows = [row(1, **{column: secret}) for column in ("push_token", "places", "language", "categories")]
    rows += [row(2, places=f"ward:{secret}"), row(3) + f",{secret}", row(4, phone=f"{secret}{secret}")]
    report, told = await bring_in(house, tmp_path / "people.csv", rows)
    assert report.added == 1, "a token may look like that"
    assert [each.field for each in told] == ["places", "language", "categories", "places", "row", "phone"]
    assert not re.search(secret[:5], " ".join(each.reason for each in told))


async def test_two_imports_and_a_sign_up_of_the_same_people_at_once(house: House, tmp_path: Path) -> None:
    rows = [row(number) for number in range(1_500)]

    async def signs_up() -> None:
        person = make_person(addresses={"push": "test-token-000001"}, points=[Point(*KOTHRUD)], consent="test")
        async with house.store.writing() as session:
            await register(session, [person], "test")

    (one, _), (other, _), _ = await asyncio.gather(
        bring_in(house, tmp_path / "one.csv", rows),
        bring_in(house, tmp_path / "other.csv", rows[::-1]),
        signs_up(),
    )
    assert one.added + other.added == len(rows)
    assert one.known + other.known == len(rows)
    async with house.store.reading() as session:
        addresses = await session.execute(select(func.count()).where(Address.owner_kind == "subscriber"))
    assert (await people(house), addresses.scalar_one()) == (len(rows) + 1, len(rows) + 1)


async def test_a_file_that_breaks_off_keeps_the_groups_before_it(house: House, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    lines = [HEADER, *(row(number) for number in range(2 * GROUP))]
    path.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe,,\n")
    with pytest.raises(Invalid, match="not UTF-8 after line"):
        await import_file(house.store, path, {}, frozenset(), house.desk.city.config.bbox)
    held = await people(house)
    assert held % GROUP == 0
    assert 0 < held <= 2 * GROUP


@pytest.mark.requirement("S002-14")
async def test_a_place_that_no_alert_reaches_is_refused_and_not_kept_untold(house: House, tmp_path: Path) -> None:
    places = (f"{LON} {LAT}", f"cell:{LON} {LAT}", "48.85 2.35", "0 0", f"{LAT} {LON}; 0 0", f"{LAT + 0.9} {LON}")
    rows = [row(number, places=each) for number, each in enumerate(places)]
    report, told = await bring_in(house, tmp_path / "people.csv", rows)
    assert (report.added, report.refused) == (1, 5)  # whoever lives near the city may be reached
    swapped, far = "latitude and longitude look swapped; give latitude first", "so far from the city"
    assert [each.field for each in told] == ["places"] * 5
    assert [each.reason for each in told[:2]] == [swapped] * 2
    assert all(far in each.reason for each in told[2:])
