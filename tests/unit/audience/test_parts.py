"""Each person in exactly one part: base, overlay and merged base against plain shapely, and the store's own path."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from shapely.geometry.base import BaseGeometry

from geoalert.audience.cover import Cover
from geoalert.audience.grid import Person
from geoalert.audience.grounds import Grounds
from geoalert.audience.overlay import Overlay
from geoalert.audience.parts import NO_PART, Divided, Division, with_grounds
from geoalert.audience.people import People, Wishes
from geoalert.subscribers.cells import SCALE
from tests.extent import examples
from tests.unit.audience.test_grid import SOUTH, WEST, City, changed, grid_of, stories

WESTERN = shapely.box(-180, -90, WEST / SCALE, 90)
SOUTHERN = shapely.box(-180, -90, 180, SOUTH / SCALE)


def parts_of(area: BaseGeometry) -> list[BaseGeometry]:
    """Two that overlap, so that the first must win, and leave some of the area to nobody."""
    cuts = [shapely.intersection(area, part) for part in (WESTERN, SOUTHERN)]
    surfaces = [[one for one in shapely.get_parts(cut) if one.geom_type == "Polygon"] for cut in cuts]
    return [shapely.MultiPolygon(found) for found in surfaces if found]


def by_shapely(city: City, area: BaseGeometry, parts: list[BaseGeometry]) -> list[tuple[int, int]]:
    def holds(shape: BaseGeometry, one: Person) -> bool:
        return bool(len(one.xs)) and bool(
            shapely.intersects_xy(shape, np.array(one.xs) / SCALE, np.array(one.ys) / SCALE).any()
        )

    return [
        (subscriber, next((number for number, part in enumerate(parts) if holds(part, one)), NO_PART))
        for subscriber, one in sorted(city.items())
        if holds(area, one)
    ]


def divided(overlay: Overlay, area: BaseGeometry, parts: list[BaseGeometry]) -> list[tuple[int, int]]:
    people, part = overlay.view().divided(Cover.of(area), [Cover.of(each) for each in parts])
    whole = overlay.view().people(Cover.of(area))
    assert (people.attr.tolist(), people.categories.tolist()) == (whole.attr.tolist(), whole.categories.tolist())
    return list(zip(people.subscriber.tolist(), part.tolist(), strict=True))


@given(story=stories())
@settings(max_examples=examples(200), deadline=None)
def test_parts_agree_with_shapely_whatever_changed(
    story: tuple[BaseGeometry, City, list[dict[int, Person | None]]],
) -> None:
    area, city, all_changes = story
    parts = parts_of(area)
    overlay = Overlay(grid_of(city))
    assert divided(overlay, area, parts) == by_shapely(city, area, parts)
    for changes in all_changes:
        city = changed(city, changes)
        overlay.apply(changes)
        assert divided(overlay, area, parts) == by_shapely(city, area, parts)
    merged = Overlay(overlay.base.merged(overlay.snapshot()))
    assert divided(merged, area, parts) == by_shapely(city, area, parts)


def test_the_area_as_its_own_part_holds_all() -> None:
    area = shapely.box(73.8, 18.5, 73.81, 18.51)
    overlay = Overlay(grid_of({5: Person(1, 1, (738_050_000,), (185_050_000,)), 6: Person(1, 1, (0,), (0,))}))
    cover = Cover.of(area)
    people, part = overlay.view().divided(cover, [cover])
    assert (people.subscriber.tolist(), part.tolist()) == ([5], [0])


@pytest.mark.parametrize("far", [0, 2**40])  # ids close together and far apart are looked up in two ways
def test_a_point_tells_more_than_a_ward(far: int) -> None:
    def people(*ids: int) -> People:
        column = np.array(ids, dtype=np.int64)
        return People(column, Wishes(column, column), np.ones(len(ids), dtype=bool))

    points = Divided(people(1, 3, 9 + far), np.array([1, NO_PART, 0], dtype=np.int16))
    rows = np.array([(1, 1, 1, 0), (2, 1, 1, 1), (2, 1, 1, 0), (4, 1, 1, 2), (9 + far, 1, 1, 1)], dtype=np.int64)
    place = {"first": 0, "second": 1, "zone": NO_PART}
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    found = with_grounds(points, Grounds(tuple(place), rows), Division(shapes, place.__getitem__))
    assert found.people.subscriber.tolist() == [1, 2, 3, 4, 9 + far]
    assert found.people.certain.tolist() == [True, False, True, False, True]
    assert found.part.tolist() == [1, 0, NO_PART, NO_PART, 0]
