"""Bringing epochs of the second city into a house."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from geoalert.bootstrap import House, city_of, data_folder
from geoalert.store import database_now
from geoalert.wards import locate
from geoalert.wards.epochs import (
    Begun,
    Origin,
    import_epoch,
)
from geoalert.wards.imported import Imported, read_epoch, require_sound
from tests.second_city import (
    folder_of,
)


def read_sound(path: Path, folder: Path, label: str | None = None, since: date | None = None) -> Imported:
    """The layer as an epoch of that folder's city; refused unless it is without fault."""
    found = read_epoch([path], folder, label, since)
    require_sound(found)
    return found


async def bring(house: House, path: Path, label: str | None = None, since: date | None = None) -> Begun:
    found = read_sound(path, folder_of(data_folder(house.settings)), label, since)
    async with house.store.writing() as session:
        return await import_epoch(
            session, city_of(house.settings), found.tree, Origin(path.name, found.sha256), "a test"
        )


async def tomorrow(house: House) -> date:
    async with house.store.reading() as session:
        return house.desk.day(await database_now(session)) + timedelta(days=1)


def office_at(house: House, at: tuple[float, float], on: date) -> str | None:
    found = locate(house.desk.index, *at, on)
    return found.office.code if found.office else None
