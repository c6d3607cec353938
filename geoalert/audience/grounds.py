"""Who chose a ward or a rounded cell that shares ground with an area: told when interiors meet, never by membership."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.people import People
from geoalert.errors import NotFound
from geoalert.store.copying import asked, copy_out
from geoalert.subscribers.rounded import is_rounded, rounded_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

SHARES_INTERIOR: Final = "T********"  # DE-9IM

# Each code once, by a step through the index for each: a plain DISTINCT reads every row.
CODES: Final = (
    "WITH RECURSIVE held(code) AS (SELECT min(code) FROM area_place UNION ALL"
    " SELECT (SELECT min(code) FROM area_place WHERE code > held.code) FROM held WHERE held.code IS NOT NULL)"
)
POSTGRESQL_CODES: Final = f"{CODES} SELECT ARRAY(SELECT code FROM held WHERE code IS NOT NULL)"  # noqa: S608 - ours
SQLITE_CODES: Final = f"{CODES} SELECT json_group_array(code) FROM held WHERE code IS NOT NULL"  # noqa: S608 - ours
SQLITE: Final = text(
    "SELECT a.subscriber_id, a.attr, a.categories, CAST(code.key AS INTEGER) FROM json_each(:codes) AS code"
    " CROSS JOIN area_place AS a WHERE a.code = code.value"
)
POSTGRESQL: Final = (
    "SELECT a.subscriber_id, a.attr, a.categories, code.number - 1 FROM area_place AS a"
    " JOIN unnest($1::text[]) WITH ORDINALITY AS code(value, number) ON a.code = code.value"
)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Wards and rounded cells that share ground with an area: their codes, and one row a person's choice of one."""

    codes: Sequence[str]
    rows: NDArray[np.int64]  # subscriber, attr, categories, position in `codes`; in any order

    def people(self) -> People:
        """Those who chose one, each once."""
        subscriber, attr, categories = (np.ascontiguousarray(self.rows[:, column]) for column in range(3))
        return People.of(subscriber, attr, categories, np.zeros(len(subscriber), dtype=bool))

    def besides(self, known: NDArray[np.int64]) -> NDArray[np.int64]:
        """One row of everyone who is not among those known."""
        ids, first = np.unique(self.rows[:, 0], return_index=True)
        return self.rows[first[~np.isin(ids, known)]]


NO_GROUNDS: Final = Grounds((), np.empty((0, 4), dtype=np.int64))


async def by_ground(session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]) -> People:
    """Those with a ward or a rounded cell that shares ground with the area."""
    return (await ground_in(session, area, ground_of)).people()


async def ground_in(session: AsyncSession, area: BaseGeometry, ground_of: Callable[[str], BaseGeometry]) -> Grounds:
    """Who chose a ward or a rounded cell that shares ground with the area, and which."""
    return await choosers(session, sharing(area, await chosen_codes(session), ground_of))


async def every_ground(session: AsyncSession) -> Grounds:
    """Every choice there is."""
    return await choosers(session, await chosen_codes(session))


async def chosen_codes(session: AsyncSession) -> list[str]:
    """Of every ward and rounded cell that somebody chose."""
    if session.get_bind().dialect.name == "postgresql":
        return list((await asked(session, POSTGRESQL_CODES))[0])
    codes: list[str] = json.loads((await asked(session, SQLITE_CODES))[0])
    return codes


async def choosers(session: AsyncSession, codes: Sequence[str]) -> Grounds:
    """Who chose one of these wards and rounded cells, and which."""
    if not codes:
        return NO_GROUNDS
    if session.get_bind().dialect.name == "postgresql":
        return Grounds(codes, await copy_out(session, POSTGRESQL, codes, columns=4))
    found = await session.execute(SQLITE, {"codes": json.dumps(codes)})
    return Grounds(codes, np.array([tuple(row) for row in found.all()], dtype=np.int64).reshape(-1, 4))


def sharing(area: BaseGeometry, codes: Sequence[str], ground_of: Callable[[str], BaseGeometry]) -> list[str]:
    """Those of the codes whose ground shares interior with the area; squares all at once."""
    if not codes:
        return []
    squares = [code for code in codes if is_rounded(code)]
    lines = {code: known(code, ground_of) for code in codes if not is_rounded(code)}
    wards = {code: line for code, line in lines.items() if line is not None}
    for code in lines.keys() - wards.keys():
        # A clerk's slip of the pen must not keep an alert from everybody else; `audience verify` names it too.
        log.error("somebody's ward %s is not known: they are not found by it", code)
    grounds = np.concatenate([rounded_boxes(squares), np.array(list(wards.values()), dtype=object)])
    shapely.prepare(area)
    shares = shapely.intersects(area, grounds)
    near = np.flatnonzero(shares)
    shares[near] = shapely.relate_pattern(area, grounds[near], SHARES_INTERIOR)
    return [code for code, told in zip([*squares, *wards], shares.tolist(), strict=True) if told]


def known(code: str, ground_of: Callable[[str], BaseGeometry]) -> BaseGeometry | None:
    """The ground of a ward or a rounded cell; None where there never was such a one."""
    try:
        return ground_of(code)
    except NotFound:
        return None
