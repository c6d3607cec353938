"""What every test can ask for: an open house on each store, a sandbox to send to."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis
import pytest

from geoalert.bootstrap import House, open_house
from geoalert.operations.demo_city import Credentials as Seats
from geoalert.sandbox.app import Sandbox, listen, running
from geoalert.sandbox.credentials import Credentials, sandbox_credentials, write_credentials
from geoalert.settings import Settings
from geoalert.store.keys import KeyRing, new_keys, write_keys
from tests.extent import examples
from tests.stores import Stores, administrator, require_server, server_url
from tests.workbench import Chain

pytest_plugins = ["tests.both_forms", "tests.command_line", "tests.figures", "tests.requirements_page"]

hypothesis.settings.register_profile("geoalert", max_examples=examples(100))
hypothesis.settings.load_profile("geoalert")
ACCOUNTS = ("pune_mr", "pune_hi", "pune_en")


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Patterns to copy stores from."""
    made = Stores(tmp_path_factory.mktemp("stores"))
    yield made
    asyncio.run(made.forget())


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    """The keys of every store of this run: what the patterns hold is sealed by them."""
    return new_keys()


@pytest.fixture(scope="session")
def at_providers() -> Credentials:
    """What every sandbox of this run takes us by; making an RSA key takes longer than most tests, and so does reading
    one of the usual length, whose primes are looked at.
    """
    return sandbox_credentials("http://nowhere", handles=ACCOUNTS, key_bits=1024)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path, stores: Stores) -> AsyncIterator[str]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/geoalert.db"
        return
    require_server()
    name = f"test_{uuid.uuid4().hex}"
    if "house" not in request.fixturenames:  # which makes a full one
        await stores.copy(await stores.blank(), name)
    yield server_url(name)
    async with administrator() as admin:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@dataclass(frozen=True)
class Providers:
    """A running sandbox and where its credentials are."""

    sandbox: Sandbox
    credentials: Path
    url: str


@pytest.fixture
async def providers(tmp_path: Path, at_providers: Credentials) -> AsyncIterator[Providers]:
    """FCM, Twilio and a social network on a real socket."""
    bound = listen()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    account = at_providers.service_account | {"token_uri": f"{url}/token"}
    credentials = replace(at_providers, base_url=url, service_account=account)
    path = tmp_path / "sandbox.json"
    write_credentials(path, credentials)
    async with running(credentials, bound) as sandbox:
        yield Providers(sandbox, path, url)


@pytest.fixture
def settings(
    store_url: str, providers: Providers, ring: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a store of its own and the sandbox; nothing of the machine's."""
    for name in [name for name in os.environ if name.startswith("GEOALERT_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOALERT_STORE_URL", store_url)
    monkeypatch.setenv("GEOALERT_STORE_KEY_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("GEOALERT_SANDBOX_CREDENTIALS", str(providers.credentials))
    write_keys(tmp_path / "keys.json", ring)
    return Settings()


@pytest.fixture
async def house(request: pytest.FixtureRequest, settings: Settings, stores: Stores) -> AsyncIterator[House]:
    """An open house on an upgraded store: city and departments are loaded, nobody lives there yet."""
    await stores.fill(settings, seated="officers" in request.fixturenames)
    async with open_house(settings, create=True) as opened:
        if settings.city.data is None:
            await opened.refresh()
        else:
            await opened.upgrade()
        yield opened


@pytest.fixture
async def officers(house: House, stores: Stores) -> Seats:
    """The demo's officers in their seats."""
    return await stores.officers(house)


@pytest.fixture
def chain(house: House, officers: Seats) -> Chain:
    """Officers in their seats, ready to issue."""
    return Chain(house, officers)
