from __future__ import annotations

from datetime import date, timedelta

import pytest

from geoalert.errors import NotFound
from geoalert.wards import City, WardTree

LAST_DAY = date(2024, 9, 10)
LEFT = date(2024, 9, 11)


def test_the_last_day_of_a_period_is_excluded(pune: City) -> None:
    (fursungi,) = pune.tree.by_code["V-fursungi"]
    assert fursungi.in_force(LAST_DAY)
    assert not fursungi.in_force(LEFT)
    assert not fursungi.in_force(fursungi.valid_from - timedelta(days=1))


def test_an_office_that_lost_units_has_a_record_for_each_period(pune: City) -> None:
    for code in ("hadapsar-mundhwa", "Z4"):
        before, after = pune.tree.by_code[code]
        assert before.valid_to == after.valid_from == LEFT
        assert before.area_km2 - after.area_km2 == pytest.approx(28.26, abs=0.01)
        assert pune.tree.get(code, LAST_DAY) is before
        assert pune.tree.get(code, LEFT) is after


def test_ancestors_children_and_units(pune: City) -> None:
    unit = pune.tree.get("2017-P12", LEFT)
    assert [ward.code for ward in pune.tree.ancestors(unit, LEFT)] == ["kothrud-bavdhan", "Z2"]
    assert [ward.code for ward in pune.tree.children("Z2", LEFT)] == [
        "aundh-baner",
        "kothrud-bavdhan",
        "shivajinagar-ghole-road",
    ]
    assert [ward.code for ward in pune.tree.units_of("kothrud-bavdhan", LEFT)] == [
        "2017-P10",
        "2017-P11",
        "2017-P12",
        "V-bavdhan-budruk",
    ]
    assert pune.tree.units_of("2017-P12", LEFT) == (unit,)
    assert len(pune.tree.units_of("Z4", LAST_DAY)) - len(pune.tree.units_of("Z4", LEFT)) == 2


def test_a_code_not_in_force_is_told_apart_from_an_unknown_one(pune: City) -> None:
    with pytest.raises(NotFound, match="not in force"):
        pune.tree.get("V-fursungi", LEFT)
    with pytest.raises(NotFound, match="no ward"):
        pune.tree.get("V-atlantis", LEFT)


def test_a_zone_has_a_number_and_others_none(pune: City) -> None:
    assert [zone.number for zone in pune.tree.zones(LEFT)] == [1, 2, 3, 4, 5]
    assert {ward.number for ward in pune.tree.offices(LEFT)} == {None}


def test_an_empty_tree_has_no_periods() -> None:
    assert WardTree("none", "0", ()).begins == ()
