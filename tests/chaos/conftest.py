"""What providers see, and doors that other tests stand before, too."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.chaos.sink import Sink, listening
from tests.integration.api.conftest import door

__all__ = ["door", "sink"]


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A provider that takes everything."""
    async with listening(Sink()) as opened:
        yield opened
