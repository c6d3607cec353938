"""One finished demo for all the tests that look at what it left, and towns of their own for the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from geoalert.sandbox.credentials import sandbox_credentials, write_credentials
from tests.e2e.commands import Ran, running
from tests.e2e.towns import Town, found_town
from tests.e2e.warm import Shell, shell

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


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    """A folder without a store, and a sandbox's credentials, so that there are channels to plan for."""
    write_credentials(tmp_path / "sandbox.json", sandbox_credentials("http://127.0.0.1:9"))
    return shell(tmp_path, GEOALERT_SANDBOX_CREDENTIALS="sandbox.json")


@pytest.fixture
def town(empty: Shell) -> Town:
    return found_town(empty)
