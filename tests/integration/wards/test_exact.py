"""The look-up against plain shapely and against PostGIS, for the same points: corners, edges and anywhere."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from sqlalchemy import text

from geoalert.bootstrap import House
from geoalert.wards import WardIndex, load_city, locate, locate_many
from tests.integration.wards.scatter import scatter
from tests.pune import PUNE
from tests.stores import ON_POSTGRESQL

CITY: Final = load_city(PUNE)
INDEX: Final = WardIndex(CITY.tree, CITY.config.note)
BEFORE, TODAY = date(2024, 9, 10), date(2026, 11, 1)
NOBODY: Final = ""

# The boundary rule as a database says it: of the units that cover the point, the one of the lowest code.
RULE: Final = text("""
    SELECT p.n, min(w.code COLLATE "C") AS unit
    FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) WITH ORDINALITY AS p(lon, lat, n)
    JOIN ward w ON w.city = :city AND w.level = 'unit'
      AND w.valid_from <= :day AND (w.valid_to IS NULL OR :day < w.valid_to)
      AND ST_Covers(w.geometry, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
    GROUP BY p.n
""")


def _by_shapely(points: NDArray[np.float64], on: date) -> tuple[list[str], NDArray[np.int64]]:
    """For each point the lowest code of the units that cover it, and how many hold it in their inside."""
    units = CITY.tree.units(on)
    tree = shapely.STRtree([unit.geometry for unit in units])
    made = shapely.points(points)
    answers = [NOBODY] * len(points)
    for point, unit in sorted(tree.query(made, predicate="covered_by").T.tolist(), reverse=True):
        answers[point] = units[unit].code  # the lowest comes last
    inside = np.bincount(tree.query(made, predicate="within")[0], minlength=len(points))
    return answers, inside


@pytest.mark.requirement("S002-14")
@pytest.mark.parametrize("on", [BEFORE, TODAY])
def test_a_hundred_thousand_points_as_shapely_has_them(on: date) -> None:
    points = scatter(CITY, on, 100_000)
    expected, inside = _by_shapely(points, on)
    many = locate_many(INDEX, points[:, 0], points[:, 1], on)
    assert [INDEX.units[number].code if number >= 0 else NOBODY for number in many.tolist()] == expected
    # In exactly one or in none: never inside two, and whoever has it inside is the answer.
    assert inside.max() == 1
    assert all(expected[point] for point in np.nonzero(inside)[0].tolist())
    period = INDEX.period(on)
    assert [
        period.units[at].code if (at := period.unit_at(lon, lat)) >= 0 else NOBODY for lon, lat in points.tolist()
    ] == expected


@pytest.mark.parametrize("on", [BEFORE, TODAY])
def test_every_corner_of_every_unit(on: date) -> None:
    corners = np.unique(shapely.get_coordinates([unit.geometry for unit in CITY.tree.units(on)]), axis=0)
    expected, _ = _by_shapely(corners, on)
    assert NOBODY not in expected
    for (lon, lat), code in zip(corners.tolist(), expected, strict=True):
        found = locate(INDEX, lon, lat, on)
        assert found.unit is not None
        assert found.unit.code == code


@pytest.mark.requirement("S002-14")
@ON_POSTGRESQL
@pytest.mark.parametrize("on", [BEFORE, TODAY])
async def test_postgis_gives_the_same_answers(house: House, on: date) -> None:
    points = scatter(CITY, on, 12_000, seed=7)
    async with house.store.reading() as session:
        rows = await session.execute(
            RULE, {"lons": points[:, 0].tolist(), "lats": points[:, 1].tolist(), "city": CITY.config.key, "day": on}
        )
        answered: dict[int, str] = dict(rows.all())
    ours = locate_many(INDEX, points[:, 0], points[:, 1], on).tolist()
    differing = [
        (points[n].tolist(), INDEX.units[number].code if number >= 0 else NOBODY, answered.get(n + 1, NOBODY))
        for n, number in enumerate(ours)
        if (INDEX.units[number].code if number >= 0 else NOBODY) != answered.get(n + 1, NOBODY)
    ]
    assert differing == []
