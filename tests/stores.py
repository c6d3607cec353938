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

from geoalert.bootstrap import open_house
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

    async def fill(self, settings: Settings) -> None:
        """Puts an upgraded store where the settings say, in place of the empty one."""
        dialect = "sqlite" if settings.store.url.startswith("sqlite") else "postgresql"
        if settings.city.data is not None:
            return  # a city of the test's own
        if dialect == "sqlite":
            pattern = self.folder / "pattern.db"
            await self._make(dialect, settings, f"sqlite:///{pattern}")
            shutil.copyfile(pattern, settings.store.url.removeprefix("sqlite:///"))
            return
        pattern_name, name = f"full_{self.run}", settings.store.url.rpartition("/")[2]
        if dialect not in self.made:
            await self.copy(await self.blank(), pattern_name)
        await self._make(dialect, settings, server_url(pattern_name))
        await self.copy(pattern_name, name)

    async def copy(self, pattern: str, name: str) -> None:
        """`name` as a copy of `pattern`; what was there goes."""
        async with administrator() as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {pattern}")

    async def _make(self, dialect: str, settings: Settings, url: str) -> None:
        if dialect in self.made:
            return
        of_pattern = copy.deepcopy(settings)
        of_pattern.store.url = url
        async with open_house(of_pattern, create=True) as house:
            await house.upgrade()
        self.made.add(dialect)

    async def forget(self) -> None:
        """Drops what this run made on the server."""
        if not HAVE_POSTGRES:
            return
        async with administrator() as admin:
            for name in (f"blank_{self.run}", f"full_{self.run}"):
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
