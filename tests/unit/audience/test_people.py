"""Two finds of people become one: each person once, and who is certainly inside stays so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geoalert.audience.people import People, Wishes
from geoalert.audience.sieve import Sieve

FOUND = st.dictionaries(st.integers(1, 30), st.booleans())


def found(held: dict[int, bool]) -> People:
    ids = np.array(sorted(held), dtype=np.int64)
    return People(ids, Wishes(ids * 7, ids * 11), np.array([held[id_] for id_ in ids.tolist()], dtype=bool))


@given(one=FOUND, other=FOUND)
def test_joined_is_the_union(one: dict[int, bool], other: dict[int, bool]) -> None:
    both = found(one).joined(found(other))
    expected = {id_: one.get(id_, False) or other.get(id_, False) for id_ in {*one, *other}}
    assert dict(zip(both.subscriber.tolist(), both.certain.tolist(), strict=True)) == expected
    assert both.subscriber.tolist() == sorted(expected)
    assert both.attr.tolist() == [id_ * 7 for id_ in sorted(expected)]
    assert both.categories.tolist() == [id_ * 11 for id_ in sorted(expected)]


@given(st.lists(st.tuples(st.integers(1, 30) | st.integers(1, 2**63 - 1), st.booleans())))
def test_entries_in_any_order_come_out_once_each(entries: list[tuple[int, bool]]) -> None:
    ids = np.array([id_ for id_, _ in entries], dtype=np.int64)
    people = People.of(ids, ids ^ 7, ids ^ 11, np.array([certain for _, certain in entries], dtype=bool))
    expected = {id_: any(certain for other, certain in entries if other == id_) for id_ in set(ids.tolist())}
    assert dict(zip(people.subscriber.tolist(), people.certain.tolist(), strict=True)) == expected
    assert people.subscriber.tolist() == sorted(expected)
    assert people.attr.tolist() == [id_ ^ 7 for id_ in sorted(expected)]
    assert people.categories.tolist() == [id_ ^ 11 for id_ in sorted(expected)]


def test_what_everybody_passes_is_known_of_both_only_where_it_is_of_each() -> None:
    one, other = Sieve(1, 1, 0), Sieve(1, 1, 2)
    for here, there, both in ((one, one, one), (one, other, None), (one, None, None), (None, one, None)):
        joined = replace(found({1: True}), sieve=here).joined(replace(found({2: True}), sieve=there))
        assert joined.sieve == both
