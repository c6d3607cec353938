"""Whom a grid knows, where ids lie close together and where they do not."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geoalert.audience.cover import Cover
from geoalert.audience.everybody import NARROW, SPARSE, Everybody, Persons
from geoalert.audience.grid import Grid, Person, Places
from geoalert.subscribers.cells import SCALE

EVERYTHING = (1 << 62) - 1
WEST, SOUTH = int(73.8 * SCALE), int(18.5 * SCALE)


@pytest.mark.parametrize(("apart", "most"), [(1, 3_000_000), (3, 4_000_000)])  # ids that are held take eight bytes
def test_a_million_people_fit_in_forty_megabytes(apart: int, most: int) -> None:
    chance = np.random.default_rng(3)
    count = 100_000  # one in ten of a million, on a tenth of the ground
    ids = np.arange(count) * apart + 1
    owner = np.concatenate([ids, chance.choice(ids, 30_000, replace=False)])
    attr = chance.integers(0, 20_000, count)  # as languages, quiet hours and orders of channels make them
    x, y = chance.integers(0, 2_250_000, len(owner)) + WEST, chance.integers(0, 290_000, len(owner)) + SOUTH
    grid = Grid.build(Persons(ids, attr, np.full(count, EVERYTHING)), Places(owner, x, y))
    assert grid.nbytes < most


@pytest.mark.parametrize("apart", [1, SPARSE, SPARSE + 2])
def test_everybody_has_a_slot_and_nobody_else(apart: int) -> None:
    ids = np.arange(7, 7 + 100 * apart, apart)
    everybody = Everybody.of(ids, ids % 3, ids % 2)
    asked = np.arange(0, 20 + 100 * apart)
    slots = everybody.slots_of(asked)
    assert asked[slots >= 0].tolist() == ids.tolist()
    found = everybody.at(slots[slots >= 0])
    assert found.subscriber.tolist() == ids.tolist()
    assert (found.attr.tolist(), found.categories.tolist()) == ((ids % 3).tolist(), (ids % 2).tolist())
    assert len(everybody) == 100
    with pytest.raises(ValueError, match="not there"):
        everybody.slots_of_all(np.array([6]))


def test_ids_are_held_only_while_they_are_far_apart() -> None:
    one = np.array([5])
    held = []
    everybody = Everybody.of(np.arange(1, 101), np.ones(100, dtype=np.int64), np.ones(100, dtype=np.int64))
    for gone, come in ((0, 10_000), (10_000, 101)):
        slot = everybody.slots_of(np.array([gone]))
        everybody, moved = everybody.merged(slot[slot >= 0], Persons(np.array([come]), one, one))
        held.append(everybody.nbytes)
        assert (moved >= 0).sum() == 100
        assert everybody.at(everybody.slots_of(np.array([1, 100, come]))).subscriber.tolist() == [1, 100, come]
    assert held[0] > 2 * held[1]


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("kinds", "held"), [(NARROW - 1, np.uint16), (NARROW, np.uint32)])
def test_no_kind_is_taken_for_another_however_many_there_are(kinds: int, held: type[np.integer]) -> None:
    ids = np.arange(1, kinds + 2)  # and two are alike
    attr = np.arange(kinds + 1) % kinds
    x, y = WEST + ids % 300 * 3_000, SOUTH + ids // 300 * 3_000
    grid = Grid.build(Persons(ids, attr, attr % 5), Places(ids, x, y))
    assert grid._everybody.kind.dtype == grid._kinds.dtype == held
    area = shapely.box(x.min() / SCALE - 1, y.min() / SCALE - 1, x.max() / SCALE + 1, y.max() / SCALE + 1)
    gone = grid.merged({int(ids[1]): None, int(ids[2]): Person(77, 7, (int(x[2]),), (int(y[2]),))})
    for found, ids_, attr_ in (
        (grid.people(Cover.of(area)), ids, attr),
        (gone.people(Cover.of(area)), np.delete(ids, 1), np.delete(np.where(ids == ids[2], 77, attr), 1)),
    ):
        assert found.subscriber.tolist() == ids_.tolist()
        assert found.attr.tolist() == attr_.tolist()
    few = grid.people(Cover.of(shapely.box(*(np.array([x[0] - 9, y[0] - 9, x[9] + 9, y[9] + 9]) / SCALE))))
    assert few.attr.tolist() == attr[:10].tolist()
