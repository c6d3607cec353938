"""How an area divides by ward office, so that each person is counted under one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoalert.audience import Division
from geoalert.audience.parts import NO_PART
from geoalert.errors import NotFound
from geoalert.operations.desk import Desk
from geoalert.wards import WardIndex
from geoalert.wards.model import Ward, WardTree

POLYGON: Final = 3  # shapely's type number
LATELY: Final = 16  # areas kept cut
WHOLE: Final = 1 - 1e-9  # of an area, from where an office holds all of it


@dataclass(frozen=True, slots=True)
class ByOffice:
    """`division`'s parts stand in the order of `offices`, which is that of their codes. `area` is what is divided."""

    area: BaseGeometry
    offices: Sequence[Ward]
    division: Division


def by_line(desk: Desk, area: BaseGeometry, now: datetime) -> ByOffice:
    """Along the offices' own lines. A place exactly on one counts for the first office by code. An area that was asked
    for lately is not cut again: an author looks at it many times, with another text, severity or channel.
    """
    return _cut(shapely.to_wkb(area), desk.index, desk.day(now))


@lru_cache(maxsize=LATELY)
def _cut(area_wkb: bytes, index: WardIndex, on: date) -> ByOffice:
    area = shapely.from_wkb(area_wkb)
    offices = index.tree.offices(on)
    cuts = shapely.intersection(area, np.array([office.geometry for office in offices], dtype=object))
    parts = [(office, _ground(cut)) for office, cut in zip(offices, cuts.tolist(), strict=True)]
    held = [(office, part) for office, part in parts if not part.is_empty]
    shapes = [area if part.area >= area.area * WHOLE else part for _, part in held]
    return _by_office(area, index, on, [office for office, _ in held], shapes)


def by_middle(desk: Desk, area: BaseGeometry, squares: Sequence[BaseGeometry], now: datetime) -> ByOffice:
    """Squares are never cut: each counts for the office that holds its middle, or for none."""
    middles = np.array([shapely.get_coordinates(square.centroid)[0] for square in squares]).reshape(-1, 2)
    index, on = desk.index, desk.day(now)
    held: dict[str, list[BaseGeometry]] = {}
    for square, number in zip(squares, index.positions(middles[:, 0], middles[:, 1], on).tolist(), strict=True):
        if number >= 0:
            held.setdefault(index.units[number].parent or "", []).append(square)
    offices = [office for office in desk.city.tree.offices(on) if office.code in held]
    shapes = [shapely.coverage_union_all(held[office.code]) for office in offices]
    return _by_office(area, index, on, offices, shapes)


def _ground(cut: BaseGeometry) -> BaseGeometry:
    """What of a cut has a surface; where two only touch, nothing."""
    surfaces = [part for part in shapely.get_parts(cut) if shapely.get_type_id(part) == POLYGON]
    return surfaces[0] if len(surfaces) == 1 else shapely.MultiPolygon(surfaces)


def _by_office(
    area: BaseGeometry, index: WardIndex, on: date, offices: Sequence[Ward], shapes: Sequence[BaseGeometry]
) -> ByOffice:
    place = {office.code: number for number, office in enumerate(offices)}
    return ByOffice(area, offices, Division(shapes, _under(index.tree, on, place)))


def _under(tree: WardTree, on: date, place: dict[str, int]) -> Callable[[str], int]:
    """A unit counts for its office and an office for itself; a zone, or what is no ward, for none."""

    def of_ground(code: str) -> int:
        try:
            ward = tree.last_known(code, on)
        except NotFound:
            return NO_PART
        return place.get((ward.parent or "") if ward.level == "unit" else code, NO_PART)

    return of_ground
