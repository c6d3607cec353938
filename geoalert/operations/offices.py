"""How an area divides by ward office, so that each person is counted under one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoalert.audience import Division
from geoalert.audience.parts import NO_PART
from geoalert.errors import NotFound
from geoalert.operations.desk import Desk
from geoalert.wards.model import Ward

POLYGON: Final = 3  # shapely's type number
WHOLE: Final = 1 - 1e-9  # of an area, from where an office holds all of it


@dataclass(frozen=True, slots=True)
class ByOffice:
    """`division`'s parts stand in the order of `offices`, which is that of their codes."""

    offices: Sequence[Ward]
    division: Division


def by_line(desk: Desk, area: BaseGeometry, now: datetime) -> ByOffice:
    """Along the offices' own lines. A place exactly on one counts for the first office by code."""
    offices = desk.city.tree.offices(desk.day(now))
    cuts = shapely.intersection(area, np.array([office.geometry for office in offices], dtype=object))
    parts = [(office, _ground(cut)) for office, cut in zip(offices, cuts.tolist(), strict=True)]
    held = [(office, part) for office, part in parts if not part.is_empty]
    shapes = [area if part.area >= area.area * WHOLE else part for _, part in held]
    return _by_office(desk, now, [office for office, _ in held], shapes)


def by_middle(desk: Desk, squares: Sequence[BaseGeometry], now: datetime) -> ByOffice:
    """Squares are never cut: each counts for the office that holds its middle, or for none."""
    middles = np.array([shapely.get_coordinates(square.centroid)[0] for square in squares]).reshape(-1, 2)
    index, on = desk.index, desk.day(now)
    held: dict[str, list[BaseGeometry]] = {}
    for square, number in zip(squares, index.positions(middles[:, 0], middles[:, 1], on).tolist(), strict=True):
        if number >= 0:
            held.setdefault(index.units[number].parent or "", []).append(square)
    offices = [office for office in desk.city.tree.offices(on) if office.code in held]
    return _by_office(desk, now, offices, [shapely.coverage_union_all(held[office.code]) for office in offices])


def _ground(cut: BaseGeometry) -> BaseGeometry:
    """What of a cut has a surface; where two only touch, nothing."""
    surfaces = [part for part in shapely.get_parts(cut) if shapely.get_type_id(part) == POLYGON]
    return surfaces[0] if len(surfaces) == 1 else shapely.MultiPolygon(surfaces)


def _by_office(desk: Desk, now: datetime, offices: Sequence[Ward], shapes: Sequence[BaseGeometry]) -> ByOffice:
    place = {office.code: number for number, office in enumerate(offices)}
    return ByOffice(offices, Division(shapes, _under(desk, desk.day(now), place)))


def _under(desk: Desk, on: date, place: dict[str, int]) -> Callable[[str], int]:
    """A unit counts for its office and an office for itself; a zone, or what is no ward, for none."""
    tree = desk.city.tree

    def of_ground(code: str) -> int:
        try:
            ward = tree.last_known(code, on)
        except NotFound:
            return NO_PART
        return place.get((ward.parent or "") if ward.level == "unit" else code, NO_PART)

    return of_ground
