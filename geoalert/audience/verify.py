"""Whether what audiences are found by is what the rows say: cells, what stands beside places, and the three paths.

Everything is read in the session's snapshot, so that it may run beside writers. What it names are ids: never a place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.changes import everyone
from geoalert.audience.cover import Cover
from geoalert.audience.grid import Grid, Places
from geoalert.audience.grounds import SHARES_INTERIOR, by_ground, chosen_codes, known
from geoalert.audience.people import People
from geoalert.audience.places import people_in
from geoalert.audience.rules import members, sieve_of
from geoalert.subscribers.cells import ROW, SCALE, SHIFT, X_ORIGIN, Y_ORIGIN
from geoalert.subscribers.codes import CHANNELS
from geoalert.subscribers.tables import AreaPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST: Final = 10  # ids named of each check

CELL: Final = (
    f"((CAST(p.y AS bigint) + {Y_ORIGIN}) >> {SHIFT}) << {ROW} | ((CAST(p.x AS bigint) + {X_ORIGIN}) >> {SHIFT})"
)
NOT_ON_EARTH: Final = (
    f"p.x NOT BETWEEN -{X_ORIGIN} AND {X_ORIGIN} OR p.y NOT BETWEEN -{Y_ORIGIN} AND {Y_ORIGIN}"
    " OR p.x <> CAST(p.x AS bigint) OR p.y <> CAST(p.y AS bigint)"
)
NOT_THEIRS: Final = (
    "EXISTS (SELECT 1 FROM reach AS r WHERE r.subscriber_id = p.subscriber_id"
    " AND (r.attr <> p.attr OR r.categories <> p.categories))"
)
NOT_THERE: Final = "NOT EXISTS (SELECT 1 FROM subscriber AS s WHERE s.id = p.subscriber_id)"
# What it is called, the table, and what makes a row `p` of it wrong.
OF_ROWS: Final = (
    (
        "every point lies on the earth, in whole units",
        "place",
        NOT_ON_EARTH,
    ),
    ("the cell beside a point is its own", "place", f"p.cell <> ({CELL})"),
    *(
        (
            f"what stands beside a {what} is its person's",
            table,
            NOT_THEIRS,
        )
        for what, table in (("point", "place"), ("ward", "area_place"))
    ),
    ("every point has its person", "place", NOT_THERE),
    ("every ward has its person", "area_place", NOT_THERE),
)


# Category, severity, channels: a message that every rule bars people from, and one that next to none does.
MESSAGES: Final = tuple((0, severity, tuple(CHANNELS.values())) for severity in ("Moderate", "Extreme"))


@dataclass(frozen=True, slots=True)
class Check:
    """How many were looked at, how many are wrong, and the first of those: ids of `of`, or codes."""

    name: str
    of: str  # place, area_place, code, subscriber
    checked: int
    wrong: int
    first: tuple[int | str, ...]


async def verify(
    session: AsyncSession, areas: Mapping[str, BaseGeometry], ground_of: Callable[[str], BaseGeometry]
) -> list[Check]:
    """All checks. The paths are compared on every one of the areas, person by person."""
    checks = [await _of_rows(session, *each) for each in OF_ROWS]
    codes = sorted(await chosen_codes(session))
    lines = {code: line for code in codes if (line := known(code, ground_of)) is not None}
    unknown = [code for code in codes if code not in lines]
    checks.append(
        Check("every ward that was chosen is known", "code", len(codes), len(unknown), tuple(unknown[:FIRST]))
    )
    return checks if unknown else [*checks, *await _paths(session, areas, lines)]


async def _of_rows(session: AsyncSession, name: str, table: str, wrong: str) -> Check:
    checked = (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()  # noqa: S608 - ours
    query = f"SELECT count(*) FROM {table} AS p WHERE {wrong}"  # noqa: S608 - ours
    count = (await session.execute(text(query))).scalar_one()
    first = await session.scalars(
        text(f"SELECT p.id FROM {table} AS p WHERE {wrong} ORDER BY p.id LIMIT {FIRST}")  # noqa: S608 - ours
    )
    return Check(name, table, checked, count, tuple(first) if count else ())


async def _paths(
    session: AsyncSession, areas: Mapping[str, BaseGeometry], lines: Mapping[str, BaseGeometry]
) -> list[Check]:
    """Every path against plain shapely over all rows."""
    persons, places = await everyone(session)
    grid = Grid.build(persons, places)
    rows = _Rows(
        places,
        persons.attr[np.searchsorted(persons.subscriber, places.subscriber)],
        persons.categories[np.searchsorted(persons.subscriber, places.subscriber)],
        await _by_code(session),
    )
    wrong: dict[str, set[int]] = {"the store's path": set(), "the grid": set()}
    found = 0
    for area in areas.values():
        plain = rows.people(area, lines)
        found += len(plain)
        for message in (None, *MESSAGES):
            sieve = None if message is None else sieve_of(*message)
            by_store = await people_in(session, area, lines.__getitem__, sieve)
            by_grid = grid.people(Cover.of(area), sieve).joined(await by_ground(session, area, lines.__getitem__))
            for name, people in zip(wrong, (by_store, by_grid), strict=True):
                wrong[name] |= (
                    _differing(plain, people) if message is None else _told(plain, message) ^ _told(people, message)
                )
    return [
        Check(f"{name} finds whom plain shapely finds", "subscriber", found, len(ids), tuple(sorted(ids)[:FIRST]))
        for name, ids in wrong.items()
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """All places, with what stands beside each, and those who chose a ward by its code."""

    places: Places
    attr: NDArray[np.int64]
    categories: NDArray[np.int64]
    wards: Mapping[str, NDArray[np.int64]]

    def people(self, area: BaseGeometry, lines: Mapping[str, BaseGeometry]) -> People:
        """Those with a place in the area, by shapely alone."""
        shapely.prepare(area)
        inside = np.flatnonzero(shapely.intersects_xy(area, self.places.x / SCALE, self.places.y / SCALE))
        points = np.column_stack([column[inside] for column in (self.places.subscriber, self.attr, self.categories)])
        shared = [self.wards[code] for code, line in lines.items() if area.relate_pattern(line, SHARES_INTERIOR)]
        all_rows = np.concatenate([points, *shared])
        certain = np.arange(len(all_rows)) < len(points)
        subscriber, attr, categories = (np.ascontiguousarray(all_rows[:, column]) for column in range(3))
        return People.of(subscriber, attr, categories, certain)


async def _by_code(session: AsyncSession) -> dict[str, NDArray[np.int64]]:
    """By a query of its own: that of `grounds` is part of what is verified."""
    query = select(AreaPlace.code, AreaPlace.subscriber_id, AreaPlace.attr, AreaPlace.categories)
    by_code: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for code, subscriber, attr, categories in await session.execute(query):
        by_code[code].append((subscriber, attr, categories))
    return {code: np.array(rows, dtype=np.int64) for code, rows in by_code.items()}


def _told(people: People, message: tuple[int, str, tuple[int, ...]]) -> set[int]:
    """Whom of them the rules tell."""
    told = members(people, *message, datetime.fromtimestamp(0, UTC), UTC).told
    return set(people.subscriber[told].tolist())


def _differing(one: People, other: People) -> set[int]:
    """Whoever is not in both alike."""
    columns = [(people.subscriber, people.attr, people.categories, people.certain) for people in (one, other)]
    if all(np.array_equal(mine, theirs) for mine, theirs in zip(*columns, strict=True)):
        return set()
    members = [set(zip(*(column.tolist() for column in each), strict=True)) for each in columns]
    return {subscriber for subscriber, *_ in members[0] ^ members[1]}
