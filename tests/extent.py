"""How much of what could be is tried: a little in `make test`, so many times that in `make fuzz`.

`GEOALERT_TEST_FUZZ` is how many times; `GEOALERT_TEST_SEED` the first seed, which a failing test's name tells.
"""

from __future__ import annotations

import os
from typing import Final

import pytest

TIMES: Final = int(os.environ.get("GEOALERT_TEST_FUZZ") or 1)
SEED: Final = int(os.environ.get("GEOALERT_TEST_SEED") or 0)


def examples(count: int) -> int:
    """Of a property, as hypothesis finds them."""
    return count * TIMES


def seeded(count: int) -> pytest.MarkDecorator:
    """For a test that draws its own chances from `seed`."""
    return pytest.mark.parametrize(
        "seed", [pytest.param(SEED + at, marks=pytest.mark.seeded) for at in range(count * TIMES)]
    )
