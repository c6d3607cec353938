"""Rows that PostgreSQL writes out whole, some of them without their last column."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from geoalert.bootstrap import House
from geoalert.store.copying import copy_out_apart
from tests.extent import examples
from tests.stores import ON_POSTGRESQL

pytestmark = ON_POSTGRESQL
BIGINT = st.integers(-(2**63), 2**63 - 1)
QUERY = (
    "SELECT a, b, c FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS r(a, b, c, n) ORDER BY n"
)


@given(st.lists(st.tuples(BIGINT, BIGINT), max_size=9), st.lists(st.tuples(BIGINT, BIGINT, BIGINT), max_size=9))
@example([], [])
@example([(-1, -1)] * 3, [(-1, -1, -1)] * 3)
@settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_those_without_it_come_first(
    house: House, short: list[tuple[int, int]], whole: list[tuple[int, int, int]]
) -> None:
    rows = [*((*row, None) for row in short), *whole]
    columns = [[row[column] for row in rows] for column in range(3)]
    async with house.store.reading() as session:
        first, after = await copy_out_apart(session, QUERY, *columns, columns=3)
    assert [tuple(row) for row in first.tolist()] == short
    assert [tuple(row) for row in after.tolist()] == whole


@pytest.mark.parametrize("last", [[5, None], [None, 5, None], [5, None, 6, None], [5] + [None] * 19, [5, *[None] * 20]])
async def test_another_order_is_refused_rather_than_misread(house: House, last: list[int | None]) -> None:
    columns = [list(range(len(last))), [-1] * len(last), last]
    async with house.store.reading() as session:
        with pytest.raises(RuntimeError, match="other rows"):
            await copy_out_apart(session, QUERY, *columns, columns=3)
