"""The live grid against plain shapely: for any persons, places, areas and changes they agree on every person."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoalert.audience import everybody
from geoalert.audience import grid as grid_module
from geoalert.audience.cover import Cover
from geoalert.audience.everybody import Persons
from geoalert.audience.grid import DENSE, TOGETHER, Grid, Person, Places
from geoalert.audience.overlay import Overlay
from geoalert.audience.people import People
from geoalert.audience.sieve import Sieve
from geoalert.subscribers.cells import SCALE, SHIFT, X_ORIGIN, Y_ORIGIN
from tests.extent import examples

pytestmark = pytest.mark.usefixtures("form")

CELL = 1 << SHIFT
EVERYTHING = (1 << 62) - 1
NONE = np.empty(0, dtype=np.int64)
City = dict[int, Person]
WEST, SOUTH = ((738_000_000 + X_ORIGIN) // CELL * CELL - X_ORIGIN), ((185_000_000 + Y_ORIGIN) // CELL * CELL - Y_ORIGIN)


def grid_of(city: City) -> Grid:
    ids = list(city)
    owners = [(subscriber, x, y) for subscriber, one in city.items() for x, y in zip(one.xs, one.ys, strict=True)]
    persons = Persons(
        np.array(ids, dtype=np.int64),
        np.array([city[subscriber].attr for subscriber in ids], dtype=np.int64),
        np.array([city[subscriber].categories for subscriber in ids], dtype=np.int64),
    )
    columns = np.array(owners, dtype=np.int64).reshape(-1, 3).T
    return Grid.build(persons, Places(*columns))


def told(people: People) -> list[tuple[int, int, int]]:
    assert people.certain.dtype == bool
    assert people.certain.all()
    columns = (people.subscriber, people.attr, people.categories)
    assert all(column.dtype == np.int64 and len(column) == len(people.certain) for column in columns)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def by_shapely(city: City, area: BaseGeometry) -> list[tuple[int, int, int]]:
    return [
        (subscriber, one.attr, one.categories)
        for subscriber, one in sorted(city.items())
        if len(one.xs) and shapely.intersects_xy(area, np.array(one.xs) / SCALE, np.array(one.ys) / SCALE).any()
    ]


@st.composite
def areas(draw: st.DrawFn) -> BaseGeometry:
    """Near the corner of a cell: stars with holes, boxes along cell borders, slivers, the whole city, far parts."""
    parts: list[BaseGeometry] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["star", "cells", "sliver", "city"]))
        x, y = WEST + draw(st.integers(-30_000, 30_000)), SOUTH + draw(st.integers(-30_000, 30_000))
        if kind == "star":
            count = draw(st.integers(3, 60))
            seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
            angles = np.sort(seed.uniform(0, 2 * np.pi, count))
            reach = seed.uniform(0.1, 1, count) * 10 ** draw(st.floats(1, 5))
            ring = np.column_stack([x + reach * np.cos(angles), y + reach * np.sin(angles)])
            part = shapely.Polygon((ring if draw(st.booleans()) else ring.round()) / SCALE)
        elif kind == "cells":
            wide, high = draw(st.integers(1, 4)) * CELL, draw(st.integers(1, 4)) * CELL
            column, row = WEST + (x - WEST) // CELL * CELL, SOUTH + (y - SOUTH) // CELL * CELL
            part = shapely.box(*(np.array([column, row, column + wide, row + high]) / SCALE))
            if draw(st.booleans()):
                hole = np.array([column + 900, row + 900, column + wide - 900, row + high - 900]) / SCALE
                part = part.difference(shapely.box(*hole))
        elif kind == "sliver":
            part = shapely.Polygon(np.array([(x, y), (x + 20_000, y + 3_000), (x + 20_000, y + 3_002)]) / SCALE)
        else:
            part = shapely.box(*(np.array([WEST - 10**6, SOUTH - 10**6, WEST + 10**6, SOUTH + 10**6]) / SCALE))
        parts.extend(each for each in shapely.get_parts(shapely.make_valid(part)) if each.geom_type == "Polygon")
    area = shapely.union_all(parts)
    polygons = [each for each in shapely.get_parts(area) if each.geom_type == "Polygon"]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


@st.composite
def persons(draw: st.DrawFn, area: BaseGeometry) -> Person:
    """With up to five places: on the area's corners and edges, on cell corners, near and far."""
    corners = np.vstack([(shapely.get_coordinates(area) * SCALE).round(), [[WEST, SOUTH]] * 2]).astype(np.int64)
    xs, ys = [], []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["corner", "edge", "cell", "near", "far"]))
        at = draw(st.integers(0, len(corners) - 2))
        if kind == "corner":
            x, y = corners[at] + draw(st.integers(-1, 1))
        elif kind == "edge":
            x, y = (corners[at] + corners[at + 1]) // 2
        elif kind == "cell":
            x, y = WEST + draw(st.integers(-5, 5)) * CELL, SOUTH + draw(st.integers(-5, 5)) * CELL
        elif kind == "near":
            x, y = WEST + draw(st.integers(-40_000, 40_000)), SOUTH + draw(st.integers(-40_000, 40_000))
        else:
            x, y = draw(st.integers(-X_ORIGIN, X_ORIGIN)), draw(st.integers(-Y_ORIGIN, Y_ORIGIN))
        xs.append(int(x))
        ys.append(int(y))
    attr = draw(st.integers(0, 5) | st.integers(0, 2**61 - 1))
    return Person(attr, draw(st.just(EVERYTHING) | st.integers(0, EVERYTHING)), tuple(xs), tuple(ys))


@st.composite
def stories(draw: st.DrawFn) -> tuple[BaseGeometry, City, list[dict[int, Person | None]]]:
    """An area, a city, and changes to it one after the other."""
    area = draw(areas())
    near = st.integers(1, 12)  # most of a stretch in use, until a change comes from far away or most of them are gone
    far = st.integers(1, 40) | st.integers(2**31, 2**31 + 3) | st.just(2**62)
    ids, later = draw(st.sampled_from([(near, near), (near, near | far), (far, far), (far, near)]))
    city = draw(st.dictionaries(ids, persons(area), max_size=30))
    changes = draw(st.lists(st.dictionaries(later, st.none() | persons(area), max_size=6), max_size=4))
    return area, city, changes


def changed(city: City, changes: dict[int, Person | None]) -> City:
    return {subscriber: one for subscriber, one in {**city, **changes}.items() if one is not None}


@given(story=stories())
@settings(max_examples=examples(300), deadline=None)
def test_base_overlay_and_merged_base_agree_with_shapely(
    story: tuple[BaseGeometry, City, list[dict[int, Person | None]]],
) -> None:
    area, city, all_changes = story
    cover = Cover.of(area)
    base = grid_of(city)
    assert told(base.people(cover)) == by_shapely(city, area)
    overlay = merged_often = Overlay(base)
    for changes in all_changes:
        city = changed(city, changes)
        overlay.apply(changes)
        merged_often = Overlay(merged_often.base.merged(changes))
        expected = by_shapely(city, area)
        assert told(overlay.view().people(cover)) == expected
        assert told(merged_often.view().people(cover)) == expected
    assert told(base.merged(overlay.snapshot()).people(cover)) == by_shapely(city, area)


@given(story=stories(), at=st.integers(0, 4))
@settings(max_examples=examples(100), deadline=None)
def test_what_comes_while_a_merge_runs_is_kept(
    story: tuple[BaseGeometry, City, list[dict[int, Person | None]]], at: int
) -> None:
    area, city, all_changes = story
    overlay = Overlay(grid_of(city))
    snapshot = overlay.snapshot()
    for number, changes in enumerate(all_changes):
        overlay.apply(changes)
        city = changed(city, changes)
        if number == at:
            snapshot = overlay.snapshot()
    after = overlay.onto(overlay.base.merged(snapshot), snapshot)
    assert len(after) <= sum(len(changes) for changes in all_changes[at + 1 :]) or at >= len(all_changes)
    assert told(after.view().people(Cover.of(area))) == by_shapely(city, area)


@given(
    story=stories(),
    sieve=st.builds(
        Sieve,
        must=st.integers(0, 3),
        usable=st.integers(0, 7),
        category=st.just(0) | st.integers(0, 127),
        strictest=st.just(0x70) | st.integers(0, 127),
    ),
)
@settings(max_examples=examples(100), deadline=None)
def test_who_passes_a_sieve_is_found_and_of_the_base_nobody_else(
    story: tuple[BaseGeometry, City, list[dict[int, Person | None]]], sieve: Sieve
) -> None:
    area, city, changes = story
    cover = Cover.of(area)

    def passes(_: int, attr: int, categories: int) -> bool:
        return (
            attr & sieve.must == sieve.must
            and attr & sieve.usable != 0
            and attr & 0x70 <= sieve.strictest
            and (sieve.category == 0 or categories & sieve.category != 0)
        )

    base = grid_of(city)
    inside = by_shapely(city, area)
    people = base.people(cover, sieve)
    assert people.sieve == sieve
    assert told(people) == [one for one in inside if passes(*one)]
    overlay = Overlay(base)
    for each in changes:
        overlay.apply(each)
        city = changed(city, each)
        inside = by_shapely(city, area)
        people = overlay.view().people(cover, sieve)
        found = told(people)
        assert set(found) <= set(inside)
        assert [one for one in found if passes(*one)] == [one for one in inside if passes(*one)]
        assert people.sieve is None or all(passes(*one) for one in found)


def test_where_looking_at_the_kinds_is_not_worth_it_nobody_is_sieved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everybody, "FEW", 0)
    city = {number: Person(number, number, (WEST + 5,), (SOUTH + 5,)) for number in range(1, 9)}
    city[9] = Person(9, 9, (WEST + 10 * CELL,), (SOUTH,))
    area = shapely.Point(WEST / SCALE, SOUTH / SCALE).buffer(0.001)
    people = grid_of(city).people(Cover.of(area), Sieve(must=8, usable=8, category=0))
    assert told(people) == by_shapely(city, area)
    assert (len(people), people.sieve) == (8, None)


@given(st.lists(st.booleans(), max_size=400), st.integers(1, 5))
def test_few_marks_are_listed_as_all_of_them_would_be(marks: list[bool], spread: int) -> None:
    marked = np.zeros(-(-len(marks) * spread // TOGETHER) * TOGETHER, dtype=bool)
    marked[: len(marks) * spread : spread] = marks
    assert grid_module._few_of(marked).tolist() == np.flatnonzero(marked).tolist()


def test_many_people_in_one_answer_and_few_are_found_alike() -> None:
    chance = np.random.default_rng(5)
    count = 4_000
    x = WEST + chance.integers(0, 40 * CELL, (count, 2))
    y = SOUTH + chance.integers(0, 40 * CELL, (count, 2))
    ids = chance.permutation(count) + 1
    city = {
        int(ids[at]): Person(at % 7, EVERYTHING - at, tuple(x[at].tolist()), tuple(y[at].tolist()))
        for at in range(count)
    }
    overlay = Overlay(grid_of(city))
    changes: dict[int, Person | None] = {int(ids[at]): None for at in range(0, count, 50)}
    changes |= {int(ids[at]): Person(3, 3, (WEST,), (SOUTH,)) for at in range(1, count, 50)}
    changes |= {count + at: Person(4, 4, (WEST + 20 * CELL,), (SOUTH + 20 * CELL,)) for at in range(1, 20)}
    overlay.apply(changes)
    seen = set()
    for side in (1, 2, 10, 21, 45):
        area = shapely.Point((WEST + 20 * CELL) / SCALE, (SOUTH + 20 * CELL) / SCALE).buffer(side * CELL / SCALE / 2)
        area = area.union(shapely.box(WEST / SCALE, SOUTH / SCALE, (WEST + 5) / SCALE, (SOUTH + 5) / SCALE))
        expected = by_shapely(changed(city, changes), area)
        assert told(overlay.view().people(Cover.of(area))) == expected
        seen.add(overlay.base._cells.bounds(Cover.of(area).runs)[1] * DENSE > count)
    assert seen == {True, False}


def test_a_person_who_changes_again_and_again_takes_no_more_room() -> None:
    overlay = Overlay(grid_of({}))
    for turn in range(5_000):
        overlay.apply({1: Person(turn, 1, (WEST,), (SOUTH,))})
    assert len(overlay) == 1
    assert len(overlay._rows) < 2_000
    around = Cover.of(shapely.Point(WEST / SCALE, SOUTH / SCALE).buffer(1e-5))
    assert told(overlay.view().people(around)) == [(1, 4_999, 1)]


def test_values_that_nobody_has_any_more_are_forgotten() -> None:
    base = grid_of({1: Person(0, 0, (WEST,), (SOUTH,))})
    size = base.nbytes
    for turn in range(1, 50):
        base = base.merged({1: Person(turn, turn, (WEST,), (SOUTH,))})
    assert base.nbytes == size


def test_a_view_and_a_snapshot_stay_as_they_were() -> None:
    around = Cover.of(shapely.Point(WEST / SCALE, SOUTH / SCALE).buffer(1e-5))
    overlay = Overlay(grid_of({1: Person(1, 1, (WEST,), (SOUTH,))}), {2: Person(2, 2, (WEST,), (SOUTH,))})
    view, snapshot = overlay.view(), overlay.snapshot()
    overlay.apply({1: None, 2: None})
    assert told(view.people(around)) == [(1, 1, 1), (2, 2, 2)]
    assert list(snapshot) == [2]
    assert told(overlay.view().people(around)) == []


def test_an_empty_area_holds_nobody() -> None:
    base = grid_of({1: Person(1, 1, (WEST,), (SOUTH,))})
    assert told(base.people(Cover.of(shapely.Polygon()))) == []
    overlay = Overlay(base, {2: Person(2, 2, (WEST,), (SOUTH,))})
    assert told(overlay.view().people(Cover.of(shapely.MultiPolygon()))) == []


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Grid.build(Persons(*(np.array([1, 1]) for _ in range(3))), Places(NONE, NONE, NONE))
    with pytest.raises(ValueError, match="not there"):
        Grid.build(Persons(*(np.array([1]) for _ in range(3))), Places(np.array([2]), NONE[:0], NONE[:0]))
