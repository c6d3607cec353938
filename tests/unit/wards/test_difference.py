"""What became of offices, told by their ground."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from shapely.geometry import box

from geoalert.wards import Ward
from geoalert.wards.difference import Change, compare

SQUARE = 0.02


def offices(columns: Mapping[str, tuple[float, float]]) -> list[Ward]:
    """Offices by code, each a strip from one column to another."""
    return [
        Ward(
            code=code,
            level="office",
            kind="office",
            name_en=code.title(),
            name_mr="क",
            name_hi="क",
            parent="Z1",
            valid_from=date(2021, 6, 30),
            valid_to=None,
            aliases=(),
            geometry=box(73.8 + SQUARE * first, 18.5, 73.8 + SQUARE * last, 18.52),
            area_km2=1.0,
        )
        for code, (first, last) in columns.items()
    ]


BEFORE = {"a": (0, 2), "b": (2, 4), "c": (4, 6)}


@pytest.mark.parametrize(
    ("after", "changes", "moved"),
    [
        (BEFORE, {("same", "a", "a"), ("same", "b", "b"), ("same", "c", "c")}, set()),
        (
            {"a": (0, 2.5), "b": (2.5, 4), "c": (4, 6)},
            {("redrawn", "a", "a"), ("redrawn", "b", "b"), ("same", "c", "c")},
            {("b", "a")},
        ),
        (
            {"a": (0, 2), "new-b": (2, 4), "c": (4, 6)},
            {("same", "a", "a"), ("renamed", "b", "new-b"), ("same", "c", "c")},
            set(),
        ),
        (
            {"a": (0, 2), "b": (2, 3), "b2": (3, 4), "c": (4, 6)},
            {("same", "a", "a"), ("split", "b", "b b2"), ("same", "c", "c")},
            {("b", "b2")},
        ),
        (
            {"a": (0, 4), "c": (4, 6)},
            {("merged", "a b", "a"), ("same", "c", "c")},
            {("b", "a")},
        ),
        (
            {"a": (0, 2), "b": (2, 4), "c": (4, 6), "d": (6, 8)},
            {("same", "a", "a"), ("same", "b", "b"), ("same", "c", "c"), ("new", "", "d")},
            {(None, "d")},
        ),
        (
            {"a": (0, 2), "b": (2, 4)},
            {("same", "a", "a"), ("same", "b", "b"), ("gone", "c", "")},
            {("c", None)},
        ),
        (  # codes handed on, in either order of the letters: the ground says who is who
            {"b": (0, 2), "z": (2, 4), "c": (4, 6)},
            {("renamed", "a", "b"), ("renamed", "b", "z"), ("same", "c", "c")},
            set(),
        ),
        (
            {"y": (0, 2), "a": (2, 4), "c": (4, 6)},
            {("renamed", "a", "y"), ("renamed", "b", "a"), ("same", "c", "c")},
            set(),
        ),
        (  # one part of a split carries the code of an office that has gone
            {"a": (0, 2), "c": (2, 3), "d": (3, 4)},
            {("same", "a", "a"), ("split", "b", "c d"), ("gone", "c", "")},
            {("b", "c"), ("b", "d"), ("c", None)},
        ),
    ],
)
def test_every_office_gets_one_word(
    after: Mapping[str, tuple[float, float]],
    changes: set[tuple[str, str, str]],
    moved: set[tuple[str | None, str | None]],
) -> None:
    found = compare(offices(BEFORE), offices(after), 32643)
    assert {(change.fate, " ".join(change.before), " ".join(change.after)) for change in found.changes} == changes
    assert {(row.before, row.after) for row in found.moved} == moved
    told = [code for change in found.changes for code in change.before]
    assert sorted(told) == sorted(BEFORE)


def test_an_office_of_the_same_code_and_another_name_is_renamed() -> None:
    before, after = offices({"a": (0, 2)}), offices({"a": (0, 2)})
    renamed = Ward(**{name: getattr(after[0], name) for name in Ward.__dataclass_fields__} | {"name_en": "Other"})
    assert compare(before, [renamed], 32643).changes == (Change("renamed", ("a",), ("a",)),)
