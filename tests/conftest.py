"""What every test can ask for: an open house on each store, a sandbox to send to."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from geoalert.bootstrap import House, open_house
from geoalert.operations.demo_city import seat_officers
from geoalert.sandbox.app import Sandbox, listen, running
from geoalert.sandbox.credentials import sandbox_credentials, write_credentials
from geoalert.settings import Settings
from geoalert.store.keys import new_keys, write_keys
from tests.workbench import Chain

pytest_plugins = ["tests.requirements_page"]

ACCOUNTS = ("pune_mr", "pune_hi", "pune_en")
REQUIRED = os.environ.get("GEOALERT_TEST_POSTGRES") == "required"
HAVE_POSTGRES = "PGHOST" in os.environ or "PGPORT" in os.environ


def _server_url(database: str) -> str:
    user, password = os.environ.get("PGUSER", "postgres"), os.environ.get("PGPASSWORD", "")
    host, port = os.environ.get("PGHOST", "127.0.0.1"), os.environ.get("PGPORT", "5432")
    return f"postgresql://{user}:{password}@{host}:{port}/{database}"


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Where tests may make databases. In CI it must be there; elsewhere its absence is shown as a skip."""
    if HAVE_POSTGRES:
        return _server_url("postgres")
    if REQUIRED:
        pytest.fail("GEOALERT_TEST_POSTGRES=required, but no PostgreSQL is named by PGHOST")
    pytest.skip("no PostgreSQL: run through .ci/run, or set PGHOST, PGPORT, PGUSER, PGPASSWORD")


@pytest.fixture(params=["sqlite", "postgresql"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/geoalert.db"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        database = await asyncpg.connect(_server_url(name))
        await database.execute("CREATE EXTENSION postgis")
        await database.close()
        yield _server_url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@dataclass(frozen=True)
class Providers:
    """A running sandbox and where its credentials are."""

    sandbox: Sandbox
    credentials: Path
    url: str


@pytest.fixture
async def providers(tmp_path: Path) -> AsyncIterator[Providers]:
    """FCM, Twilio and a social network on a real socket."""
    bound = listen()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    credentials = sandbox_credentials(url, handles=ACCOUNTS)
    path = tmp_path / "sandbox.json"
    write_credentials(path, credentials)
    async with running(credentials, bound) as sandbox:
        yield Providers(sandbox, path, url)


@pytest.fixture
def settings(store_url: str, providers: Providers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a store of its own and the sandbox; nothing of the machine's."""
    for name in [name for name in os.environ if name.startswith("GEOALERT_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOALERT_STORE_URL", store_url)
    monkeypatch.setenv("GEOALERT_STORE_KEY_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("GEOALERT_SANDBOX_CREDENTIALS", str(providers.credentials))
    write_keys(tmp_path / "keys.json", new_keys())
    return Settings()


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """An open house on an upgraded store: city and departments are loaded, nobody lives there yet."""
    async with open_house(settings, create=True) as opened:
        await opened.upgrade()
        yield opened


@pytest.fixture
async def chain(house: House) -> Chain:
    """Officers in their seats, ready to issue."""
    async with house.store.writing() as session:
        officers = await seat_officers(session)
    return Chain(house, officers)
