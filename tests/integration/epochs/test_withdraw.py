"""An epoch that was imported by mistake: taken back while nothing rests on it, refused otherwise."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from geoalert.audit import verify
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.errors import Conflict, NotFound
from geoalert.operations.wards_withdraw import withdraw
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import WardPlace
from geoalert.wards.epochs import PACKAGED, Withdrawn, read_epochs, read_tree
from geoalert.wards.tables import EpochRow, WardRow
from tests.integration.epochs.second_epochs import bring, office_at, tomorrow
from tests.second_city import FAR, KEY, features, write_layer
from tests.workbench import Chain


async def take_back(house: House, label: str = "2026") -> Withdrawn:
    async with house.store.writing() as session:
        return await withdraw(session, house.desk, label, "a test")


async def held(house: House) -> tuple[Any, list[tuple[Any, ...]]]:
    async with house.store.reading() as session:
        epochs = [(row.label, row.valid_from, row.valid_to) for row in await read_epochs(session, KEY)]
        return await read_tree(session, KEY), epochs


async def test_what_was_before_goes_on_as_it_was(first: House, second: Path) -> None:
    before = await held(first)
    begins = await tomorrow(first)
    begun = await bring(first, second, "2026", begins)
    await first.refresh()
    assert office_at(first, FAR, begins) == "far"
    gone = await take_back(first)
    assert (gone.opened, gone.wards) == (begun.closed, sum(begun.counts.values()))
    assert await held(first) == before
    await first.refresh()
    assert office_at(first, FAR, begins) == "east"
    async with first.store.reading() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "wards.withdrawn"))).one()
    assert (await verify(first.store))[2] is None
    body = json.loads(entry.body)
    assert (body["actor"], body["subject"], body["detail"]["sha256"]) == ("a test", f"{KEY} 2026", gone.sha256)
    # The right file may come in under the same label and day.
    assert (await bring(first, second, "2026", begins)).closed == begun.closed


async def test_one_in_the_middle_leaves_its_time_to_the_one_before(first: House, second: Path) -> None:
    begins = await tomorrow(first)
    end = begins + timedelta(days=30)
    await bring(first, second, "2026", begins)
    third = write_layer(second.with_name("third.geojson"), features())
    await bring(first, third, "2027", end)
    await take_back(first)
    tree, epochs = await held(first)
    assert epochs == [("2021", date(2021, 6, 30), end), ("2027", end, None)]
    assert [ward.valid_to for ward in tree.by_code["west"]] == [end, None]


async def test_an_epoch_that_holds_stays(first: House, second: Path) -> None:
    begins = await tomorrow(first)
    await bring(first, second, "2026", begins)
    with pytest.raises(Conflict, match="the epoch 2021 holds since 2021-06-30"):
        await take_back(first, "2021")
    with pytest.raises(NotFound, match="there is 2021, 2026"):
        await take_back(first, "2031")
    before = await held(first)
    first.store.shift += timedelta(days=1)  # its first day
    with pytest.raises(Conflict, match=f"holds since {begins}"):
        await take_back(first)
    assert await held(first) == before


async def test_an_epoch_that_a_message_names_stays(first: House, second: Path, chain: Chain) -> None:
    """By a clock that was set back; a city never comes here otherwise."""
    begins = await tomorrow(first)
    await bring(first, second, "2026", begins)
    await first.refresh()
    first.store.shift += timedelta(days=2)
    await chain.drafted(wards=["far"], channels=("push",))
    first.store.shift -= timedelta(days=2)
    with pytest.raises(Conflict, match="1 messages name the epoch 2026"):
        await take_back(first)


async def test_an_epoch_whose_wards_people_chose_stays(first: House, second: Path) -> None:
    await bring(first, second, "2026", await tomorrow(first))
    await first.refresh()
    codes = ("C1", "far")  # the zone is in both epochs
    people = [
        make_person(addresses={"push": f"token-of-{code}"}, channels=("push",), wards=[WardPlace(code)], consent="x")
        for code in codes
    ]
    async with first.store.writing() as session:
        await register(session, people, "test")
    with pytest.raises(Conflict, match="1 people chose a ward that only the epoch 2026 has"):
        await take_back(first)


async def test_the_citys_own_epoch_is_taken_back_in_its_files(first: House, second: Path) -> None:
    await bring(first, second, "2026", await tomorrow(first))
    async with first.store.writing() as session:
        await session.execute(update(EpochRow).where(EpochRow.label == "2026").values(source=PACKAGED))
    with pytest.raises(Conflict, match="the city's own"):
        await take_back(first)


async def test_no_epoch_begins_where_a_ward_ends_by_itself(first: House, second: Path) -> None:
    """Such an end could not be told from one the epoch makes, and would be undone with it."""
    begins = await tomorrow(first)
    async with first.store.writing() as session:
        await session.execute(update(WardRow).where(WardRow.code == "2021-Q06").values(valid_to=begins))
    with pytest.raises(Conflict, match=f"changes on {begins}"):
        await bring(first, second, "2026", begins)
