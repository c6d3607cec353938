"""What moves between two epochs of the wards, and how many people it concerns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.errors import Conflict
from geoalert.operations.desk import Desk
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.tables import AreaPlace, Place
from geoalert.wards import WardIndex, locate_many
from geoalert.wards.difference import Difference, compare

GROUP = 50_000


@dataclass(frozen=True, slots=True)
class WardsDiff:
    """`people` have a point whose office changes; `ward_places` are of wards that are not in the later epoch: they
    go on by the ground those had. Totals only: no answer here says where anyone lives.
    """

    before: str
    after: str
    on: tuple[date, date]
    difference: Difference
    people: int
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
    ended = select(func.count()).select_from(AreaPlace).where(AreaPlace.code.not_in(codes))
    return WardsDiff(one.label, two.label, on, found, people, await session.scalar(ended) or 0)


async def _people(session: AsyncSession, index: WardIndex, on: tuple[date, date], found: Difference) -> int:
    """Distinct people with a point in an office that is not, or not the heir of, the one that had it before."""
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
            return len(concerned)
        table = np.array([tuple(row) for row in rows], dtype=np.int64)
        lons, lats = table[:, 1] / SCALE, table[:, 2] / SCALE
        was = before[locate_many(index, lons, lats, on[0])]
        now = after[locate_many(index, lons, lats, on[1])]
        concerned.update(table[was != now, 3].tolist())
        last = int(table[-1, 0])
