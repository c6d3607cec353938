"""What an import may not do to what is held, and what a store of before becomes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box
from sqlalchemy import func, insert, select, update

from geoalert.bootstrap import House, city_of, data_folder, metadata, migration_scripts
from geoalert.errors import Conflict
from geoalert.operations.service_areas import take_areas
from geoalert.store import open_store
from geoalert.store.keys import new_keys
from geoalert.store.migrations import upgrade
from geoalert.wards import Ward, load_city
from geoalert.wards.areas import Imported
from geoalert.wards.epochs import (
    Origin,
    begin_packaged,
    digest_of,
    import_epoch,
    read_epochs,
    read_tree,
    read_version,
)
from geoalert.wards.imported import read_epoch
from geoalert.wards.service_area import ServiceArea
from geoalert.wards.tables import EpochRow, VersionRow, WardRow
from tests.integration.epochs.second_epochs import bring, office_at, tomorrow
from tests.pune import PUNE
from tests.second_city import (
    FAR,
    features,
    folder_of,
    write_layer,
)
from tests.service_areas import make_area


async def test_numbers_of_another_delimitation_never_join(first: House, second: Path) -> None:
    """Both layers number their units 1 to 6; without the epoch in the code the second is other ground."""
    toml = folder_of(data_folder(first.settings)) / "city.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("{epoch}-Q", "2021-Q"), encoding="utf-8")
    with pytest.raises(Conflict, match=r"2021-Q0\d is other ground in the epoch 2021; .* 2026-2021-Q") as refusal:
        await bring(first, second, "2026", await tomorrow(first))
    assert refusal.value.pointer == "/code"
    # The same numbers on the same ground are the same units.
    same = write_layer(second.with_name("same.geojson"), features())
    assert (await bring(first, same, "2026", await tomorrow(first))).closed == 9


async def test_a_refused_import_leaves_nothing(first: House, second: Path) -> None:
    begins = await tomorrow(first)

    async def everything() -> list[Any]:
        async with first.store.reading() as session:
            return [
                list(await session.execute(select(*table.__table__.columns).order_by(*table.__table__.primary_key)))
                for table in (EpochRow, VersionRow)
            ] + [await session.scalar(select(func.count()).select_from(WardRow).where(WardRow.valid_to.is_(None)))]

    held = await everything()
    layer = write_layer(second.with_name("again.geojson"), features())
    for path, label, since, words in (
        (layer, "2021", begins, "held already"),
        (second, "2026", date(2021, 6, 30), "begins on that day"),
    ):
        with pytest.raises(Conflict, match=words):
            await bring(first, path, label, since)
        assert await everything() == held
    found = read_epoch([second], folder_of(data_folder(first.settings)), "2026", begins)
    with pytest.raises(RuntimeError, match="power"):
        async with first.store.writing() as session:
            await import_epoch(session, city_of(first.settings), found.tree, Origin("x", "y"), "a test")
            raise RuntimeError("power")
    assert await everything() == held


async def test_an_older_epoch_ends_where_the_next_begins(first: House, second: Path) -> None:
    folder = folder_of(data_folder(first.settings))
    (folder / "names-2026.csv").rename(folder / "names-2017.csv")
    begun = await bring(first, second, "2017", date(2017, 3, 1))
    assert (begun.closed, begun.epoch.valid_to) == (0, date(2021, 6, 30))
    await first.refresh()
    assert office_at(first, FAR, date(2020, 1, 1)) == "far"
    assert office_at(first, FAR, date(2022, 1, 1)) == "east"


async def test_an_epoch_cannot_begin_inside_another(first: House, second: Path) -> None:
    """What changed within an epoch stays changed: nothing is put in before it."""
    async with first.store.writing() as session:
        await session.execute(update(WardRow).where(WardRow.code == "west").values(valid_from=date(2024, 9, 11)))
    with pytest.raises(Conflict, match="changes on 2024-09-11") as refusal:
        await bring(first, second, "2026", date(2023, 1, 1))
    assert refusal.value.pointer == "/valid_from"


async def test_areas_of_a_city_without_wards_are_imported_one_after_the_other(house: House) -> None:
    """There is nothing yet whose lock they could share."""
    areas = [replace(make_area(), geometry=box(10.0, 50.0, 10.01, 50.01)) for _ in range(4)]

    async def take(area: ServiceArea) -> Imported:
        async with house.store.writing() as session:
            return await take_areas(session, house.desk, [area], "a test")

    taken = await asyncio.gather(*map(take, areas))
    assert sorted(len(one.same) for one in taken) == [0, 1, 1, 1]


async def test_a_store_of_before_keeps_its_wards_as_the_first_epoch(store_url: str) -> None:
    """What an older program loaded becomes an epoch; the packaged note and digest follow at the next start."""
    store = open_store(store_url, new_keys())
    pune = load_city(PUNE)
    facts = [{name: getattr(ward, name) for name in Ward.__dataclass_fields__} for ward in pune.tree.wards]
    rows = [row | {"city": "pune", "epoch": "2021", "aliases": list(row["aliases"])} for row in facts]
    try:
        await upgrade(store, migration_scripts(), metadata(), "0001")
        async with store.writing() as session:
            await session.execute(insert(WardRow), rows)
        await upgrade(store, migration_scripts(), metadata())
        for _ in range(2):
            async with store.writing() as session:
                assert not await begin_packaged(session, pune)
        async with store.reading() as session:
            (epoch,) = await read_epochs(session, "pune")
            tree = await read_tree(session, "pune")
            assert await read_version(session, "pune") == 2
        assert (epoch.label, epoch.valid_from, epoch.source) == ("2021", date(2021, 6, 30), "packaged")
        assert (epoch.note, epoch.sha256) == (pune.config.note, digest_of(pune.tree))
        assert tree == pune.tree
    finally:
        await store.close()
