"""What must be true of a city.toml before anything is done by it: most of it would be wrong in silence otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pyproj import CRS
from pyproj.exceptions import CRSError

from geoalert.errors import Invalid
from geoalert.wards.config import Bbox, CityConfig
from geoalert.wards.point import MAX_LAT, MAX_LON
from geoalert.wards.words import EPOCH_LABEL

# A centimetre is 7 decimals of a degree; below 4 a line moves by metres.
DECIMALS: Final = range(4, 13)
WIDEST_GAP_M: Final = 50.0


def require_config(config: CityConfig, folder: str) -> None:
    """Raises Invalid naming the first entry that cannot be, of the city in that folder."""
    for fault in _faults(config, folder):
        raise Invalid(f"city.toml of {folder}: {fault}")


def _faults(config: CityConfig, folder: str) -> Iterator[str]:
    if config.key != folder:
        yield f"key is {config.key!r}; it must be the folder's name, for the store keeps cities apart by it"
    texts = {"timezone": config.timezone, "helpline": config.helpline, "attribution": config.attribution}
    texts |= {"note": config.note, "epoch.label": config.epoch}
    texts |= {f"name.{tongue}": name for tongue, name in config.name.items()}
    texts |= {f"import.columns.{field}": column for field, column in config.importing.columns.items()}
    yield from (f"{name} must be text" for name, value in texts.items() if not isinstance(value, str))
    if isinstance(config.epoch, str) and not EPOCH_LABEL.fullmatch(config.epoch):
        yield "epoch.label must be a few letters, digits, dots and dashes, such as 2026"
    days = {"epoch.valid_from": config.valid_from}
    days |= {f"expected.in_force {place}": row.since for place, row in enumerate(config.expected, 1)}
    days |= {f"left {place}": row.on for place, row in enumerate(config.leaving, 1)}
    yield from (f"{name} must be a day, without quotes: 2021-06-30" for name, day in days.items() if not _is_day(day))
    for row in config.expected:
        if not row.area_km2 > 0 or not all(type(count) is int for count in row.counts.values()):
            yield f"expected.in_force from {row.since} needs whole numbers of wards and an area above 0"
    yield from _place(config)
    if config.importing.decimals not in DECIMALS:
        yield f"import.decimals must be {DECIMALS[0]} to {DECIMALS[-1]}"
    if not 0 <= config.importing.gap_width_m <= WIDEST_GAP_M:
        yield f"import.gap_width_m must be 0 to {WIDEST_GAP_M:.0f}: wider ground is nobody's to give away"


def _place(config: CityConfig) -> Iterator[str]:
    try:
        ZoneInfo(config.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"timezone {config.timezone!r} is not known"
    box = config.bbox
    in_order = -MAX_LON <= box.west < box.east <= MAX_LON and -MAX_LAT <= box.south < box.north <= MAX_LAT
    if not in_order:
        yield "bbox must be west, south, east, north in degrees"
    try:
        grid = CRS.from_epsg(config.epsg) if type(config.epsg) is int else None
    except CRSError:
        grid = None
    if grid is None or not grid.is_projected or any(axis.unit_name != "metre" for axis in grid.axis_info):
        yield f"epsg {config.epsg!r} must be the number of a grid in metres, such as 32643"
    elif in_order and not _covers(grid, box):
        yield f"epsg {config.epsg} is the grid of another place; areas would be wrong"


def _covers(grid: CRS, box: Bbox) -> bool:
    of = grid.area_of_use
    return of is None or (
        of.west <= box.west and box.east <= of.east and of.south <= box.south and box.north <= of.north
    )


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)
