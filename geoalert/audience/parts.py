"""Those inside an area, each counted in exactly one part of it: by ward office, for one.

A person with places in several parts belongs to the first of them; one known only by a ward or a rounded cell to the
part that ward falls under. Whoever is in no part (a place outside every office, a rounded cell) has `NO_PART`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.cover import Cover
from geoalert.audience.grounds import Grounds, ground_in
from geoalert.audience.people import People
from geoalert.audience.places import by_point

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_PART: Final = -1
SPREAD: Final = 16  # ids so many times as far apart as there are people: from there a table of all ids costs too much


@dataclass(frozen=True)
class Division:
    """Parts of an area. A part that is the area itself is the same object."""

    shapes: Sequence[BaseGeometry]
    of_ground: Callable[[str], int]  # position of the part a ward or rounded cell falls under, or NO_PART

    @cached_property
    def covers(self) -> Sequence[Cover]:
        """Of each part; rasterised once for as long as the division is kept."""
        return [Cover.of(shape) for shape in self.shapes]


@dataclass(frozen=True, slots=True)
class Divided:
    """`part` holds for each of the people the position of theirs, or NO_PART."""

    people: People
    part: NDArray[np.int16]


class DividedFinder(Protocol):
    """Finds who has a place in an area, and in which part: the store's own path, or the live grid over it."""

    async def __call__(
        self, session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], division: Division
    ) -> Divided: ...


async def divided_in(
    session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry], division: Division
) -> Divided:
    """Asked of the store itself, on the session's snapshot."""
    covers = division.covers
    points = await by_point(session, next((known for known in covers if known.area is area), None) or Cover.of(area))
    inside = [
        points.subscriber if cover.area is area else (await by_point(session, cover)).subscriber for cover in covers
    ]
    found = Divided(points, _first(points.subscriber, inside))
    return with_grounds(found, await ground_in(session, area, ground_of), division)


def with_grounds(points: Divided, grounds: Grounds, division: Division) -> Divided:
    """Those with a point in the area, and those who chose which ward; of a person with both, the point tells."""
    if not len(grounds.rows):
        return points
    people = points.people.joined(grounds.people())
    under = np.array([division.of_ground(code) for code in grounds.codes], dtype=np.int64)[grounds.rows[:, 3]]
    chosen = [grounds.rows[under == number, 0] for number in range(len(division.shapes))]
    part = _first(people.subscriber, chosen)
    part[people.certain] = points.part
    return Divided(people, part)


def _first(ids: NDArray[np.int64], lists: Sequence[NDArray[np.int64]]) -> NDArray[np.int16]:
    """For each of `ids` (ascending, each once) the first list that holds it. Members of lists that are not among
    `ids` do not count: a corner that a part's line had to round may let one in that the area itself leaves out.
    """
    if not len(ids):
        return np.empty(0, dtype=np.int16)
    low, high = int(ids[0]), int(ids[-1])
    if high - low < SPREAD * len(ids):
        table = np.full(high - low + 1, NO_PART, dtype=np.int16)
        for number in reversed(range(len(lists))):
            at = lists[number] - low
            table[at[(at >= 0) & (at < len(table))]] = number
        return table[ids - low]
    part = np.full(len(ids), NO_PART, dtype=np.int16)
    for number in reversed(range(len(lists))):
        at = np.minimum(np.searchsorted(ids, lists[number]), len(ids) - 1)
        part[at[ids[at] == lists[number]]] = number
    return part
