"""What moves between two epochs of the wards, and how many people it concerns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.grounds import choosers, chosen_codes, sharing
from geoalert.errors import Conflict
from geoalert.operations.desk import Desk
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.rounded import is_rounded, rounded_box
from geoalert.subscribers.tables import AreaPlace, Place
from geoalert.wards import WardIndex, locate_many
from geoalert.wards.difference import Difference, compare
from geoalert.wards.model import WardTree

GROUP = 50_000
POLYGONS = 2  # dimensions


@dataclass(frozen=True, slots=True)
class WardsDiff:
    """`people` have a point whose office changes; `perhaps` are others, whose rounded cell shares ground with what
    moves; `ward_places` are of wards that are not in the later epoch: they go on by the ground those had. Totals only:
    no answer here says where anyone lives.
    """

    before: str
    after: str
    on: tuple[date, date]
    difference: Difference
    people: int
    perhaps: int
    ward_places: int

    def document(self) -> dict[str, Any]:
        """As JSON; what stays the same is left out."""
        changes = [asdict(change) for change in self.difference.changes if change.fate != "same"]
        return {
            "before": {"epoch": self.before, "on": self.on[0].isoformat()},
            "after": {"epoch": self.after, "on": self.on[1].isoformat()},
            "offices": changes,
            "moved": [asdict(row) for row in self.difference.moved],
            "people_who_change_office": self.people,
            "people_who_may_change_office": self.perhaps,
            "ward_places_that_ended": self.ward_places,
        }


async def wards_diff(session: AsyncSession, desk: Desk, before: str, after: str) -> WardsDiff:
    """The earlier epoch on its last day against the later one on its first; given the other way round, reversed.

    Raises:
        NotFound: no such epoch is held.
        Conflict: both are the same.
    """
    await desk.refresh(session)
    tree, index = desk.city.tree, desk.index
    (one,), (two,) = tree.of_epoch(before).epochs, tree.of_epoch(after).epochs
    if one == two:
        raise Conflict("give two epochs")
    first, second = sorted((one, two), key=lambda epoch: epoch.valid_from)
    ends = first.valid_to or second.valid_from
    on = (ends - timedelta(days=1), second.valid_from)
    on = on if one == first else (on[1], on[0])
    found = compare(tree.offices(on[0]), tree.offices(on[1]), desk.city.config.epsg)
    people = await _people(session, index, on, found)
    codes = {ward.code for ward in tree.in_force(on[1])}
    ended = select(func.count()).where(AreaPlace.kind == "ward", AreaPlace.code.not_in(codes))
    perhaps = await _in_squares(session, _moved_ground(tree, on, found)) - people
    return WardsDiff(one.label, two.label, on, found, len(people), len(perhaps), await session.scalar(ended) or 0)


def _moved_ground(tree: WardTree, on: tuple[date, date], found: Difference) -> BaseGeometry:
    old, new = ({office.code: office.geometry for office in tree.offices(day)} for day in on)
    # None is outside the city: what nobody had, or has.
    all_old, all_new = (shapely.union_all(list(offices.values())) for offices in (old, new))
    before = old | {None: all_new.difference(all_old)}
    after = new | {None: all_old.difference(all_new)}
    shared = shapely.get_parts([shapely.intersection(before[row.before], after[row.after]) for row in found.moved])
    return shapely.union_all(shared[shapely.get_dimensions(shared) == POLYGONS])


async def _in_squares(session: AsyncSession, ground: BaseGeometry) -> set[int]:
    """Those with a rounded cell that shares ground with this."""
    squares = [code for code in await chosen_codes(session) if is_rounded(code)]
    found = await choosers(session, sharing(ground, squares, rounded_box))
    return set(found.rows[:, 0].tolist())


async def _people(session: AsyncSession, index: WardIndex, on: tuple[date, date], found: Difference) -> set[int]:
    """People with a point in an office that is not, or not the heir of, the one that had it before."""
    numbers = {code: number for number, code in enumerate(sorted({ward.parent or "" for ward in index.units}))}
    after = np.array([numbers[unit.parent or ""] for unit in index.units] + [-1])
    before = np.array(
        [numbers.get(found.heir.get(unit.parent or "", ""), -2) for unit in index.units] + [-1], dtype=np.int64
    )
    concerned: set[int] = set()
    last = 0
    while True:
        query = select(Place.id, Place.x, Place.y, Place.subscriber_id).where(Place.id > last).order_by(Place.id)
        rows = (await session.execute(query.limit(GROUP))).all()
        if not rows:
            return concerned
        table = np.array([tuple(row) for row in rows], dtype=np.int64)
        lons, lats = table[:, 1] / SCALE, table[:, 2] / SCALE
        was = before[locate_many(index, lons, lats, on[0])]
        now = after[locate_many(index, lons, lats, on[1])]
        concerned.update(table[was != now, 3].tolist())
        last = int(table[-1, 0])
