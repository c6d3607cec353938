"""The localities and landmarks a city adds to the names of its wards: one row of gazetteer.csv each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geoalert.errors import Invalid
from geoalert.wards.config import Bbox
from geoalert.wards.csv_rows import read_rows
from geoalert.wards.point import parse_point

FILE: Final = "gazetteer.csv"
COLUMNS: Final = ("name_en", "name_mr", "aliases", "lat", "lon", "unit", "alone", "kind", "source")
ALONE: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A name with a point (lon, lat), or with the unit whose name shows where it lies, or with neither: a name known
    to stand for several places.

    What follows a comma in a name says which of several is meant. `alone` is whether the name is clear without it.
    """

    name_en: str
    name_mr: str
    aliases: tuple[str, ...]
    at: tuple[float, float] | None
    unit: str | None
    alone: bool
    kind: str
    source: str


def load_places(folder: Path, bbox: Bbox) -> tuple[PlaceRow, ...]:
    """The rows of `folder/gazetteer.csv` in file order, in Unicode normal form C; none where a city has no such file.

    Raises Invalid naming the line for a missing column, an empty name or a point that is none.
    """
    path = folder / FILE
    return tuple(_row(cells, where, bbox) for where, cells in read_rows(path, COLUMNS)) if path.is_file() else ()


def _row(clean: Mapping[str, str], where: str, bbox: Bbox) -> PlaceRow:
    if not clean["name_en"] or not clean["name_mr"] or not clean["source"]:
        raise Invalid(f"{where}: names and source must not be empty")
    if clean["alone"] not in ALONE:
        raise Invalid(f"{where}: `alone` is yes or no")
    try:
        at = parse_point(clean["lat"], clean["lon"], bbox) if clean["lat"] or clean["lon"] else None
    except Invalid as wrong:
        raise Invalid(f"{where}: {wrong.reason}") from wrong
    return PlaceRow(
        name_en=clean["name_en"],
        name_mr=clean["name_mr"],
        aliases=tuple(alias.strip() for alias in clean["aliases"].split("|") if alias.strip()),
        at=at,
        unit=clean["unit"] or None,
        alone=ALONE[clean["alone"]],
        kind=clean["kind"],
        source=clean["source"],
    )
