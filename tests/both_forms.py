"""A fixture that runs a module's tests twice: as numpy answers, and as the compiled loops do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from geoalert import compiled


@pytest.fixture(scope="module", params=["numpy", "compiled"])
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """What finds people; the other form must give the same."""
    was_on = compiled.loops() is not None
    if request.param == "compiled":
        assert compiled.prepare(), "numba belongs to the development environment: make setup"
    compiled.switch(on=request.param == "compiled")
    assert (compiled.loops() is not None) == (request.param == "compiled")
    yield request.param
    compiled.switch(on=was_on)
