"""Who has a place in an area, asked of the store itself: transactional, exact, without a cache.

Boundary rule: a place exactly on the line is inside. Ward and rounded-cell places match when they share interior with
the area.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.cover import Cover
from geoalert.audience.grounds import by_ground
from geoalert.audience.people import People
from geoalert.audience.sieve import Sieve
from geoalert.store.copying import copy_out_apart
from geoalert.store.meanwhile import meanwhile
from geoalert.subscribers.cells import ROW, SHIFT, X_ORIGIN, Y_ORIGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

Y_BITS: Final = 31

# One range scan a run, all in one statement: two would see two moments. PostgreSQL takes a wrong plan (2.6-21 s
# instead of 0.1) unless OFFSET 0 fences the lateral part. `spot` is the place where it must be tested; NULL where the
# whole cell lies inside.
SPOT: Final = f"CASE WHEN r.edge = 1 THEN (CAST(p.x AS bigint) + {X_ORIGIN}) << {Y_BITS} | (p.y + {Y_ORIGIN}) END"
SQLITE: Final = (
    "SELECT {columns}"
    " FROM (SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS last,"
    " json_extract(value, '$[2]') AS edge FROM json_each(:runs)) AS r"
    " CROSS JOIN place AS p WHERE p.cell BETWEEN r.first AND r.last{condition}"
)
POSTGRESQL: Final = (
    "SELECT found.*"
    " FROM unnest({first}, {last}, {edge}) AS r(first, last, edge)"
    " CROSS JOIN LATERAL (SELECT {columns} FROM place AS p"
    " WHERE p.cell BETWEEN r.first AND r.last{condition} OFFSET 0) AS found"
)


async def people_in(
    session: AsyncSession,
    area: BaseGeometry,
    ground_of: Callable[[str], BaseGeometry],
    sieve: Sieve | None = None,
) -> People:
    """Everyone with a place in the area. `ground_of` gives the last known line of a ward by its code. What the session
    has not flushed is not seen.

    With a sieve those who pass it, and perhaps others by their ward. Of `categories` those by point then have only the
    bit that was sieved for: one column less to bring over.
    """
    by_choice, cover = await meanwhile(by_ground(session, area, ground_of), lambda: Cover.of(area))
    return (await by_point(session, cover, sieve)).joined(by_choice)


async def by_point(session: AsyncSession, cover: Cover, sieve: Sieve | None = None) -> People:
    """Those with a point in the area that is covered."""
    whole, on_edge = await _rows(session, cover.runs, sieve)
    spot = on_edge[:, -1]
    x, y = spot >> Y_BITS, spot & ((1 << Y_BITS) - 1)
    first, _, edge = cover.runs.T
    run = np.searchsorted(first, (y >> SHIFT) << ROW | x >> SHIFT, side="right") - 1
    held = on_edge[cover.inside(x.astype(np.float64), y.astype(np.float64), (np.cumsum(edge) - 1)[run])]
    subscriber, attr, *wishes = (np.concatenate(both) for both in zip(whole.T, held.T[:-1], strict=True))
    categories = np.full(len(subscriber), sieve.category) if sieve else wishes[0]
    return People.of(subscriber, attr, categories, np.ones(len(subscriber), dtype=bool), sieve)


async def _rows(
    session: AsyncSession, runs: NDArray[np.int64], sieve: Sieve | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(subscriber, attr, categories) of every place in the runs that no edge touches, and (subscriber, attr,
    categories, spot) in the others; with a sieve without the categories.
    """
    names = ["p.subscriber_id", "p.attr", *(() if sieve else ("p.categories",)), SPOT]
    parts = {"columns": ", ".join(names), "condition": f" AND {sieve.condition}" if sieve else ""}
    runs = runs[np.argsort(runs[:, 2], kind="stable")]  # the rows come in the order of their runs
    if session.get_bind().dialect.name == "postgresql":
        # Written out: the driver would send parameters of a COPY to the server to have them written there.
        bounds = zip(("first", "last", "edge"), runs.T.tolist(), strict=True)
        arrays = {name: f"CAST('{{{','.join(map(str, values))}}}' AS bigint[])" for name, values in bounds}
        return await copy_out_apart(session, POSTGRESQL.format(**parts, **arrays), columns=len(names))
    found = (await session.execute(text(SQLITE.format(**parts)), {"runs": json.dumps(runs.tolist())})).all()
    whole = [tuple(row)[:-1] for row in found if row[-1] is None]
    on_edge = [tuple(row) for row in found if row[-1] is not None]
    return (
        np.array(whole, dtype=np.int64).reshape(-1, len(names) - 1),
        np.array(on_edge, dtype=np.int64).reshape(-1, len(names)),
    )
