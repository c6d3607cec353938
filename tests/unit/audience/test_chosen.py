"""Who chose which ward, held beside the grid: as a plain dictionary has it, through changes and merges."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geoalert.audience.everybody import Persons
from geoalert.audience.grid import Grid, Person, Places
from geoalert.audience.grounds import Grounds
from geoalert.audience.overlay import Overlay
from tests.extent import examples

CODES = ("one", "two", "three", "c1", "never")
NONE = np.empty(0, dtype=np.int64)

Town = dict[int, Person | None]
wards = st.lists(st.sampled_from(CODES[:4]), unique=True, max_size=3).map(tuple)
ids = st.integers(1, 30)
people = st.builds(
    Person, st.integers(0, 1 << 61), st.integers(0, 1 << 61), st.sampled_from([(), (5,)]), st.just(()), wards
).map(lambda one: one._replace(ys=one.xs))


def grid_of(town: Town) -> Grid:
    """As it is loaded: persons come with their points, and the others by what they chose."""
    there = {id_: one for id_, one in town.items() if one is not None}
    pointed = {id_: one for id_, one in there.items() if one.xs}
    chosen = [(id_, one.attr, one.categories, CODES.index(code)) for id_, one in there.items() for code in one.codes]
    places = [(id_, x, y) for id_, one in pointed.items() for x, y in zip(one.xs, one.ys, strict=True)]
    columns = np.array([(id_, one.attr, one.categories) for id_, one in pointed.items()], dtype=np.int64)
    return Grid.build(
        Persons(*columns.reshape(-1, 3).T),
        Places(*np.array(places, dtype=np.int64).reshape(-1, 3).T),
        Grounds(CODES, np.array(chosen, dtype=np.int64).reshape(-1, 4)),
    )


def rows(grounds: Grounds) -> list[tuple[int, int, int, str]]:
    return sorted((id_, attr, wishes, grounds.codes[at]) for id_, attr, wishes, at in grounds.rows.tolist())


def expected(town: Town, codes: tuple[str, ...]) -> list[tuple[int, int, int, str]]:
    return sorted(
        (id_, one.attr, one.categories, code)
        for id_, one in town.items()
        if one is not None
        for code in one.codes
        if code in codes
    )


@settings(max_examples=examples(300), deadline=None)
@given(
    st.dictionaries(ids, people),
    st.lists(st.tuples(st.booleans(), st.dictionaries(ids, st.none() | people, max_size=8)), max_size=4),
    st.lists(st.sampled_from(CODES), unique=True).map(tuple),
)
def test_it_names_whom_a_dictionary_names(first: Town, later: list[tuple[bool, Town]], asked: tuple[str, ...]) -> None:
    town = dict(first)
    overlay = Overlay(grid_of(first))
    for merge, changes in later:
        town |= changes
        overlay.apply(changes)
        if merge:
            seen = overlay.snapshot()
            overlay = overlay.onto(overlay.base.merged(seen), seen)
        view = overlay.view()
        assert rows(view.grounds(asked)) == expected(town, asked)
        assert rows(view.grounds(view.codes)) == expected(town, CODES)
        assert len(set(view.codes)) == len(view.codes)
    assert rows(overlay.view().grounds(asked)) == expected(town, asked)


def test_a_code_that_nobody_has_any_more_is_forgotten_when_merged() -> None:
    base = grid_of({1: Person(1, 1, (), (), ("one",)), 2: Person(1, 1, (), (), ("two",))})
    assert base.chosen.codes == ("one", "two")
    merged = base.merged({1: None})
    assert merged.chosen.codes == ("two",)
    assert merged.nbytes < base.nbytes
