"""A town over one store: a live grid that is kept, people who come, move and go, and the plain truth about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from geoalert.audience.live import LiveGrid
from geoalert.bootstrap import House
from tests.integration.audience.town import Town
from tests.waiting import until


@asynccontextmanager
async def kept(grid: LiveGrid) -> AsyncIterator[LiveGrid]:
    """Followed for the length of a block, and loaded when it begins."""
    stopping = asyncio.Event()
    keeping = asyncio.create_task(grid.keep(stopping))
    try:
        await until(lambda: grid.loaded, "the grid is loaded", 20)
        yield grid
    finally:
        stopping.set()
        await asyncio.wait_for(keeping, 20)


@pytest.fixture
async def town(house: House) -> AsyncIterator[Town]:
    """An upgraded store without people, and a live grid over it."""
    async with kept(LiveGrid(house.store)) as grid:
        yield Town(house, grid)
