"""Topics that reach every phone in an area, whether we know where it is or not.

A phone follows the topics of the ward, its parents and the rounded cell it is in, as it finds out itself: by their
codes; and `everyone`. A cover holds the whole area, but for slivers that no phone can be in. Of all covers of so many
topics at most, the one chosen has the least ground beyond the area, and among those the fewest topics: so a parent
stands for its children when all are needed, and for some of them only when their number asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final
from urllib.parse import quote

import shapely
from shapely.geometry.base import BaseGeometry

from geoalert.audience.grounds import SHARES_INTERIOR
from geoalert.subscribers.rounded import SIDE, rounded_box, squares_over
from geoalert.wards.model import Ward

IN_ONE_CONDITION: Final = 5  # topics that one FCM condition may name
MOST: Final = 50  # topics of a plan
EVERYONE: Final = "everyone"
SAME: Final = 1e-12  # square degrees, a hundredth of a square metre: no difference in ground


@dataclass(frozen=True, slots=True)
class Cover:
    """Codes of wards and rounded cells, and the ground they stand for (EPSG:4326)."""

    codes: tuple[str, ...]
    ground: BaseGeometry


# A way to cover the part of the area in one ward: ground beyond the area (square degrees), and with what.
Way = tuple[float, tuple[str, ...]]


def topic_name(code: str) -> str:
    """How a code is written where only letters, digits and -_.~% may stand."""
    return quote(code, safe="")


def cover_by_topics(area: BaseGeometry, wards: Sequence[Ward], most: int) -> Cover:
    """The cover of a valid (multi)polygon by these wards, all in force on one day, and rounded cells; by
    `everyone` where `most` topics (up to `MOST`) cannot cover it.
    """
    below: dict[str | None, list[Ward]] = {}
    for ward in wards:
        below.setdefault(ward.parent, []).append(ward)
    top = below.get(None, [])
    shapely.prepare(area)
    lists = []
    squares = _squares(area, most)
    if squares is not None:
        lists.append(squares)
    outside = _squares(shapely.difference(area, shapely.union_all([ward.geometry for ward in top])), most)
    if outside is not None:
        ways = _joined((_ways(ward, below, area, most) for ward in top), most)
        lists += [tuple(dict.fromkeys((*codes, *outside))) for _, codes in ways.values()]
    shapes = {ward.code: ward.geometry for ward in wards}
    covers = []
    for codes in lists:
        ground = shapely.union_all([shapes[code] if code in shapes else rounded_box(code) for code in codes])
        if len(codes) <= most and not _is_ground(shapely.difference(area, ground)):
            covers.append(Cover(codes, ground))
    if not covers:
        return Cover((EVERYONE,), shapely.union_all([area, *(ward.geometry for ward in top)]))
    least = min(cover.ground.area for cover in covers)
    return min((cover for cover in covers if cover.ground.area <= least + SAME), key=lambda cover: len(cover.codes))


def _ways(ward: Ward, below: Mapping[str | None, Sequence[Ward]], area: BaseGeometry, most: int) -> dict[int, Way]:
    """By how many topics: the way with the least ground beyond the area."""
    if not shapely.relate_pattern(area, ward.geometry, SHARES_INTERIOR):
        return {0: (0.0, ())}
    here = shapely.intersection(area, ward.geometry)
    children = below.get(ward.code, [])
    ways: dict[int, Way] = {}
    if children:
        if not _is_ground(shapely.difference(here, shapely.union_all([child.geometry for child in children]))):
            ways = _joined((_ways(child, below, area, most) for child in children), most)
    elif squares := _squares(here, most):
        ways[len(squares)] = (sum(rounded_box(code).area for code in squares) - here.area, squares)
    itself = ward.geometry.area - here.area
    if 1 not in ways or itself <= ways[1][0]:
        ways[1] = (itself, (ward.code,))
    return ways


def _joined(parts: Iterable[Mapping[int, Way]], most: int) -> dict[int, Way]:
    """All parts together, by how many topics."""
    total: dict[int, Way] = {0: (0.0, ())}
    for ways in parts:
        longer: dict[int, Way] = {}
        for (count, (beyond, codes)), (more, (added, others)) in product(total.items(), ways.items()):
            size, sum_ = count + more, beyond + added
            if size <= most and (size not in longer or sum_ < longer[size][0]):
                longer[size] = (sum_, codes + others)
        total = longer
    return total


def _squares(shape: BaseGeometry, most: int) -> tuple[str, ...] | None:
    """The rounded cells that share interior with the shape; None where there are more than `most`."""
    if not _is_ground(shape):
        return ()
    west, south, east, north = shape.bounds
    if max(east - west, north - south) > most * SIDE:
        return None  # a connected shape so long needs more; parts so far apart are not looked into
    codes, boxes = squares_over(west, south, east, north)
    shared = shapely.relate_pattern(shape, boxes, SHARES_INTERIOR)
    found = tuple(code for code, is_shared in zip(codes, shared.tolist(), strict=True) if is_shared)
    return found if len(found) <= most else None


def _is_ground(shape: BaseGeometry) -> bool:
    return bool(shape.area > SAME)
