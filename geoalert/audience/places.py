"""Who has a place in an area, asked of the store itself: transactional, exact, without a cache.

Boundary rule: a place exactly on the line is inside. Ward and rounded-cell places match when they share interior with
the area.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.cover import cover
from geoalert.audience.people import People
from geoalert.errors import NotFound
from geoalert.store.copying import copy_out
from geoalert.subscribers.cells import SCALE, X_ORIGIN, Y_ORIGIN
from geoalert.subscribers.tables import AreaPlace

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

SHARES_INTERIOR: Final = "T********"  # DE-9IM
COLUMNS: Final = ("subscriber_id", "attr", "categories")
NO_TEST: Final = -1  # in `spot`: the whole cell lies inside
Y_BITS: Final = 31

# One range scan a run, all in one statement: two would see two moments. PostgreSQL takes a wrong plan (2.6-21 s
# instead of 0.1) unless OFFSET 0 fences the lateral part. `spot` is the place where it must be tested.
SPOT: Final = (
    f"CASE WHEN r.edge = 1 THEN (CAST(p.x AS bigint) + {X_ORIGIN}) << {Y_BITS} | (p.y + {Y_ORIGIN}) ELSE {NO_TEST} END"
)
SQLITE: Final = text(
    f"SELECT p.subscriber_id, p.attr, p.categories, {SPOT}"  # noqa: S608 - numbers of ours
    " FROM (SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS last,"
    " json_extract(value, '$[2]') AS edge FROM json_each(:runs)) AS r"
    " CROSS JOIN place AS p WHERE p.cell BETWEEN r.first AND r.last"
)
POSTGRESQL: Final = (
    f"SELECT p.subscriber_id, p.attr, p.categories, {SPOT}"  # noqa: S608 - numbers of ours
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS r(first, last, edge)"
    " CROSS JOIN LATERAL (SELECT x, y, subscriber_id, attr, categories FROM place"
    " WHERE cell BETWEEN r.first AND r.last OFFSET 0) AS p"
)

GROUND_SQLITE: Final = text(
    "SELECT a.subscriber_id, a.attr, a.categories, CAST(code.key AS INTEGER) FROM json_each(:codes) AS code"
    " CROSS JOIN area_place AS a WHERE a.code = code.value"
)
GROUND_POSTGRESQL: Final = (
    "SELECT a.subscriber_id, a.attr, a.categories, code.number - 1 FROM area_place AS a"
    " JOIN unnest($1::text[]) WITH ORDINALITY AS code(value, number) ON a.code = code.value"
)


async def people_in(session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]) -> People:
    """Everyone with a place in the area. `ground_of` gives the last known line of a ward by its code."""
    return (await by_point(session, area)).joined(await by_ground(session, area, ground_of))


async def by_point(session: AsyncSession, area: BaseGeometry) -> People:
    """Those with a point in the area."""
    rows = await _rows(session, cover(area))
    spot = rows[:, 3]
    inside = spot == NO_TEST
    on_edge = np.flatnonzero(~inside)
    x = (spot[on_edge] >> Y_BITS) - X_ORIGIN
    y = (spot[on_edge] & ((1 << Y_BITS) - 1)) - Y_ORIGIN
    shapely.prepare(area)
    inside[on_edge] = shapely.intersects_xy(area, x / SCALE, y / SCALE)
    subscriber, attr, categories = (np.ascontiguousarray(rows[inside, column]) for column in range(3))
    return People.of(subscriber, attr, categories, np.ones(len(subscriber), dtype=bool))


async def _rows(session: AsyncSession, runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """(subscriber, attr, categories, spot) of every place in the runs."""
    if session.get_bind().dialect.name == "postgresql":
        return await copy_out(session, POSTGRESQL, *(runs[:, column].tolist() for column in range(3)), columns=4)
    found = (await session.execute(SQLITE, {"runs": json.dumps(runs.tolist())})).all()
    return np.array([tuple(row) for row in found], dtype=np.int64).reshape(-1, 4)


async def by_ground(session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]) -> People:
    """Those with a ward or a rounded cell that shares ground with the area."""
    return (await ground_in(session, area, ground_of)).people()


@dataclass(frozen=True, slots=True)
class Grounds:
    """Wards and rounded cells that share ground with an area: their codes, and one row a person's choice of one."""

    codes: Sequence[str]
    rows: NDArray[np.int64]  # subscriber, attr, categories, position in `codes`; in any order

    def people(self) -> People:
        """Those who chose one, each once."""
        subscriber, attr, categories = (np.ascontiguousarray(self.rows[:, column]) for column in range(3))
        return People.of(subscriber, attr, categories, np.zeros(len(subscriber), dtype=bool))


async def ground_in(session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]) -> Grounds:
    """Who chose a ward or a rounded cell that shares ground with the area, and which."""
    codes = list(await session.scalars(select(AreaPlace.code).distinct()))
    touched = [code for code in codes if _shares(area, code, ground_of)]
    if not touched:
        return Grounds((), np.empty((0, 4), dtype=np.int64))
    if session.get_bind().dialect.name == "postgresql":
        return Grounds(touched, await copy_out(session, GROUND_POSTGRESQL, touched, columns=4))
    found = await session.execute(GROUND_SQLITE, {"codes": json.dumps(touched)})
    rows = np.array([tuple(row) for row in found.all()], dtype=np.int64).reshape(-1, 4)
    return Grounds(touched, rows)


def _shares(area: BaseGeometry, code: str, ground_of: Callable[[str], BaseGeometry]) -> bool:
    try:
        return bool(area.relate_pattern(ground_of(code), SHARES_INTERIOR))
    except NotFound:
        # A clerk's slip of the pen must not keep an alert from everybody else; `audience verify` names it too.
        log.error("somebody's ward %s is not known: they are not found by it", code)  # noqa: TRY400 - it says it all
        return False
