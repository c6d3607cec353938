"""A reference names one recipient and cannot be made by anybody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoalert.dispatch.reference import make_refs, read_ref
from geoalert.errors import Forbidden
from geoalert.store.keys import new_keys

KEYS = new_keys()


@given(batch=st.integers(1, 2**62), position=st.integers(0, 10_000))
def test_what_we_made_we_read(batch: int, position: int) -> None:
    assert read_ref(KEYS, make_refs(KEYS, batch, [position])[0]) == (batch, position)


@given(text=st.text(max_size=100))
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(Forbidden):
        read_ref(KEYS, text)


def test_another_position_or_key_is_refused() -> None:
    batch, position, mac = make_refs(KEYS, 12, [3])[0].split(".")
    for forged in (
        f"{batch}.4.{mac}",
        f"13.{position}.{mac}",
        make_refs(new_keys(), 12, [3])[0],
        f"0{batch}.{position}.{mac}",
        f"{position}.{batch}.{mac}",
        f"{2**63}.{position}.{mac}",
        f"{batch}.{position}.{mac}A",
        f"{batch}.{position}.",
    ):
        with pytest.raises(Forbidden):
            read_ref(KEYS, forged)


def test_many_at_once_are_each_their_own() -> None:
    positions = [7, 0, 999, 3]
    refs = make_refs(KEYS, 5, positions)
    assert [read_ref(KEYS, ref) for ref in refs] == [(5, position) for position in positions]
    assert refs == [make_refs(KEYS, 5, [position])[0] for position in positions]
    assert make_refs(KEYS, 5, []) == []
