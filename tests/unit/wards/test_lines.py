from __future__ import annotations

from datetime import date

import pytest
import shapely

from geoalert.wards import LEVELS, City
from geoalert.wards.lines import STEPS, Lines, step_for
from geoalert.wards.projection import area_km2

DAYS = [date(2024, 9, 10), date(2026, 11, 1)]


@pytest.mark.parametrize(("tolerance", "step"), [(0, 0), (4.9, 0), (5, 5), (49, 20), (500, 500), (9000, 500)])
def test_a_tolerance_is_never_exceeded(tolerance: float, step: int) -> None:
    assert step_for(tolerance) == step


@pytest.mark.parametrize("on", DAYS)
@pytest.mark.parametrize("step", STEPS)
def test_neighbours_still_meet_on_every_tier(pune: City, on: date, step: int) -> None:
    shapes = Lines(pune.tree, pune.config.epsg).at(on, step)
    assert set(shapes) == {ward.code for ward in pune.tree.in_force(on)}
    for level in LEVELS:
        tier = [shapes[ward.code] for ward in pune.tree.in_force(on, level)]
        assert shapely.coverage_is_valid(tier)
        assert all(shape.is_valid and not shape.is_empty for shape in tier)
    offices = {ward.code: shapes[ward.code] for ward in pune.tree.offices(on)}
    for code, shape in offices.items():
        parts = [shapes[unit.code] for unit in pune.tree.units_of(code, on)]
        assert shape.equals(shapely.coverage_union_all(parts))
    total = sum(area_km2(shapes[unit.code], pune.config.epsg) for unit in pune.tree.units(on))
    assert total == pytest.approx(sum(unit.area_km2 for unit in pune.tree.units(on)), rel=5e-3)


def test_coarser_lines_are_shorter_and_kept(pune: City) -> None:
    lines = Lines(pune.tree, pune.config.epsg)
    corners = [sum(shapely.get_num_coordinates(shape) for shape in lines.at(DAYS[1], step).values()) for step in STEPS]
    assert corners == sorted(corners, reverse=True)
    assert corners[-1] < corners[0] / 10
    assert lines.at(DAYS[1], 60) is lines.at(date(2026, 11, 2), 50)
    assert lines.at(DAYS[0], 50) is not lines.at(DAYS[1], 50)
    assert lines.since(date(2000, 1, 1)) is None
    assert lines.at(date(2000, 1, 1), 50) == {}
