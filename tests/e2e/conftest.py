"""One finished demo for all the tests that look at what it left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.commands import Ran, running

PEOPLE = "4000"


@dataclass(frozen=True)
class Shown:
    """A demo that has ended, and the folder it ran in."""

    folder: Path
    ran: Ran


async def _show(folder: Path) -> Shown:
    async with running("demo", "--exit", "--people", PEOPLE, cwd=folder, name="demo") as command:
        ran = await command.ended(120)
        await command.alone()
    return Shown(folder, ran)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """`geoalert demo --exit` from an empty folder to its end, with nobody left behind."""
    return asyncio.run(_show(tmp_path_factory.mktemp("demo")))
