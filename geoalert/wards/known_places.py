"""Every name the gazetteer knows on a day, and the ground it stands for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import shapely

from geoalert.wards.index import WardIndex
from geoalert.wards.model import Ward
from geoalert.wards.place_fold import in_devanagari, key_of, split_kind
from geoalert.wards.place_table import PlaceRow
from geoalert.wards.place_text import bare
from geoalert.wards.raster import OUTSIDE

PARTS: Final = re.compile(r"\s+[-–]\s+")  # between the places a unit is named after
# A row's point is good to 100-200 m: nearer another unit's line than this, it does not say which unit it is in.
NEAR_LINE_M: Final = 150.0
# Where there is a Bavdhan Budruk, "Bavdhan" alone does not say which of the two Bavdhans is meant.
DIVIDED: Final = frozenset({"budruk", "khurd"})
METRES_PER_DEGREE: Final = 111_320.0
IN_BRACKETS: Final = re.compile(r"^(.*?)\s*\(([^()]+)\)$")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a name stands for: a unit, or a whole office where `unit` is None, or ground outside the city where both
    are. `at` is (lon, lat) where a point is known.
    """

    unit: str | None
    office: str | None
    at: tuple[float, float] | None = None

    @property
    def where(self) -> tuple[str | None, str | None]:
        """What must be one for two names to be no contradiction."""
        return self.unit, self.office


@dataclass(frozen=True, slots=True)
class Known:
    """One spelling. `ask` marks a name that by itself is not clear: it is offered, never taken."""

    text: str
    key: str
    stem: str
    kind: str
    ground: Ground
    ask: bool = False


def known_places(index: WardIndex, rows: Iterable[PlaceRow], on: date) -> tuple[Known, ...]:
    """The names of that day: of units, offices and the city's own rows. Points are put into the units in force."""
    found = [
        _known(text, ground, ask=ask)
        for text, ground, ask in (*_wards(index, on), *_gone(index, on), *_rows(index, rows, on))
    ]
    unique = {(name.key, in_devanagari(name.text), name.ground, name.ask): name for name in reversed(found) if name.key}
    divided = {(name.stem, name.ground.where) for name in unique.values() if name.kind in DIVIDED}
    return tuple(
        replace(name, ask=name.ask or any(stem == name.key and where != name.ground.where for stem, where in divided))
        for name in reversed(unique.values())
    )


def _known(text: str, ground: Ground, *, ask: bool) -> Known:
    key = key_of(text)
    stem, kind = split_kind(key)
    return Known(text, key, stem, kind, ground, ask)


def _wards(index: WardIndex, on: date) -> Iterator[tuple[str, Ground, bool]]:
    for unit in index.tree.units(on):
        ground = Ground(unit.code, unit.parent)
        for name in _names(unit):
            yield from ((spelling, ground, False) for spelling in _spellings(name))
    for office in index.tree.offices(on):
        for name in _names(office):
            # "Kothrud" may be the office or the place: only a name made of several is the office's alone.
            yield name, Ground(None, office.code), "-" not in name


def _gone(index: WardIndex, on: date) -> Iterator[tuple[str, Ground, bool]]:
    """Units that have been and whose ground is not the city's on that day."""
    for records in index.tree.by_code.values():
        last = records[-1]
        if last.level == "unit" and not any(record.in_force(on) for record in records):
            inner = last.geometry.representative_point()
            if index.period(on).unit_at(inner.x, inner.y) == OUTSIDE:
                for name in _names(last):
                    yield from ((spelling, Ground(None, None), False) for spelling in _spellings(name))


def _rows(index: WardIndex, rows: Iterable[PlaceRow], on: date) -> Iterator[tuple[str, Ground, bool]]:
    for row in rows:
        for ground in _grounds(index, row, on):
            for name in (row.name_en, row.name_mr, *row.aliases):
                place, _, of = (part.strip() for part in name.partition(","))
                if of:
                    yield f"{place} {of}", ground, False
                # As the list is read, so is its name: "Khadakwasla Village" is asked for as "Khadakwasla".
                for spelling in dict.fromkeys((place, bare(place))):
                    yield spelling, ground, not row.alone


def _grounds(index: WardIndex, row: PlaceRow, on: date) -> list[Ground]:
    """Several where the point cannot say which of two units it is in; none where the unit a row names has gone."""
    if row.at is None and row.unit is None:
        return [Ground(None, None)]
    if row.at is None:
        return [Ground(unit.code, unit.parent) for unit in index.period(on).units if unit.code == row.unit]
    period = index.period(on)
    place = period.unit_at(*row.at)
    if place == OUTSIDE:
        return [Ground(None, None, row.at)]
    own = period.units[place]
    doubtful = (unit for unit in period.units if unit is not own and _is_near(unit, row.at))
    return [Ground(unit.code, unit.parent, row.at) for unit in (own, *doubtful)]


def _is_near(unit: Ward, at: tuple[float, float]) -> bool:
    lon, lat = at
    west, south, east, north = unit.geometry.bounds
    margin = 2 * NEAR_LINE_M / METRES_PER_DEGREE / math.cos(math.radians(lat))
    if not (west - margin < lon < east + margin and south - margin < lat < north + margin):
        return False
    x, y = shapely.shortest_line(shapely.Point(at), unit.geometry).coords[-1]
    metres = math.hypot((x - lon) * math.cos(math.radians(lat)), y - lat) * METRES_PER_DEGREE
    return metres < NEAR_LINE_M


def _names(ward: Ward) -> tuple[str, ...]:
    return (*ward.names.values(), *ward.aliases)


def _spellings(name: str) -> Iterator[str]:
    """A unit's name, the places it is made of, and each without what stands in brackets."""
    for part in dict.fromkeys((name, *PARTS.split(name))):
        yield part
        bracketed = IN_BRACKETS.match(part)
        if bracketed:
            yield bracketed[1]
