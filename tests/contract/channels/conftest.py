from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from geoalert.sandbox import Credentials, Faults, listen, running, sandbox_credentials
from geoalert.sandbox.app import Sandbox
from tests.contract.channels.cases import HANDLES


@pytest.fixture(scope="session")
def keys() -> Credentials:
    """One RSA key for all tests; a sandbox would make its own."""
    return sandbox_credentials("http://127.0.0.1:0", handles=HANDLES)


@pytest.fixture
async def sandbox(keys: Credentials) -> AsyncIterator[Sandbox]:
    bound = listen()
    base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    here = replace(keys, base_url=base, service_account=keys.service_account | {"token_uri": f"{base}/token"})
    async with running(here, bound, faults=Faults(duplicated=0, disordered=0)) as made:
        yield made
