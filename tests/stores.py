"""Stores made once for the whole run and copied for each test: making one costs ten times what copying it does."""

from __future__ import annotations

import copy
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from geoalert.bootstrap import House, open_house
from geoalert.operations.demo_city import Credentials, seat_officers
from geoalert.settings import Settings

# For what only one of the stores can do, or needs.
ON_POSTGRESQL = pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
REQUIRED = os.environ.get("GEOALERT_TEST_POSTGRES") == "required"
HAVE_POSTGRES = "PGHOST" in os.environ or "PGPORT" in os.environ


def server_url(database: str) -> str:
    """A database of the server that the environment names."""
    user, password = os.environ.get("PGUSER", "postgres"), os.environ.get("PGPASSWORD", "")
    host, port = os.environ.get("PGHOST", "127.0.0.1"), os.environ.get("PGPORT", "5432")
    return f"postgresql://{user}:{password}@{host}:{port}/{database}"


def require_server() -> None:
    """In CI a PostgreSQL must be there; elsewhere its absence is shown as a skip."""
    if HAVE_POSTGRES:
        return
    if REQUIRED:
        pytest.fail("GEOALERT_TEST_POSTGRES=required, but no PostgreSQL is named by PGHOST")
    pytest.skip("no PostgreSQL: run through .ci/run, or set PGHOST, PGPORT, PGUSER, PGPASSWORD")


@asynccontextmanager
async def administrator() -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server_url("postgres"))
    try:
        yield connection
    finally:
        await connection.close()


@dataclass
class Stores:
    """`folder` holds the embedded pattern; the server's patterns are databases of this run."""

    folder: Path
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    made: set[str] = field(default_factory=set)
    seats: dict[str, Credentials] = field(default_factory=dict)  # of those patterns that have officers

    async def blank(self) -> str:
        """A database with PostGIS and nothing else, to copy."""
        name = f"blank_{self.run}"
        if name not in self.made:
            async with administrator() as admin:
                await admin.execute(f"CREATE DATABASE {name}")
            database = await asyncpg.connect(server_url(name))
            await database.execute("CREATE EXTENSION postgis")
            await database.close()
            self.made.add(name)
        return name

    async def fill(self, settings: Settings, *, seated: bool = False) -> None:
        """Puts an upgraded store where the settings say; `seated`: with the demo's officers in it."""
        embedded, name = settings.store.url.startswith("sqlite"), settings.store.url.rpartition("/")[2]
        if settings.city.data is not None:  # a city of the test's own
            if not embedded:
                await self.copy(await self.blank(), name)
            return
        kind = "seated" if seated else "full"
        if embedded:
            pattern = self.folder / f"{kind}.db"
            await self._make(f"{kind}.db", settings, f"sqlite:///{pattern}", seated=seated)
            shutil.copyfile(pattern, settings.store.url.removeprefix("sqlite:///"))
            return
        pattern_name = f"{kind}_{self.run}"
        if pattern_name not in self.made:
            await self.copy(await self.blank(), pattern_name)
        await self._make(pattern_name, settings, server_url(pattern_name), seated=seated)
        await self.copy(pattern_name, name)

    async def officers(self, house: House) -> Credentials:
        """Of a store that was filled with officers, or has a city of its own and is given them now."""
        if house.settings.city.data is None:
            return self.seats[house.store.dialect]
        async with house.store.writing() as session:
            return await seat_officers(session)

    async def copy(self, pattern: str, name: str) -> None:
        """`name` as a copy of `pattern`; what was there goes."""
        async with administrator() as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {pattern}")

    async def _make(self, name: str, settings: Settings, url: str, *, seated: bool) -> None:
        if name in self.made:
            return
        of_pattern = copy.deepcopy(settings)
        of_pattern.store.url = url
        async with open_house(of_pattern, create=True) as house:
            await house.upgrade()
            if seated:
                async with house.store.writing() as session:
                    self.seats[house.store.dialect] = await seat_officers(session)
        self.made.add(name)

    async def forget(self) -> None:
        """Drops what this run made on the server."""
        if not HAVE_POSTGRES:
            return
        async with administrator() as admin:
            for name in (f"blank_{self.run}", f"full_{self.run}", f"seated_{self.run}"):
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
