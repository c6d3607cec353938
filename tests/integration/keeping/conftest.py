"""A store to keep, and an empty place to bring it to."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from geoalert.settings import Settings
from tests.integration.keeping.kept import Kept
from tests.stores import Stores, administrator, server_url


@pytest.fixture
async def kept(settings: Settings, stores: Stores, store_url: str, tmp_path: Path) -> AsyncIterator[Kept]:
    """An upgraded store, and a place of the same kind: a file that is not there, or a database with PostGIS alone."""
    await stores.fill(settings)
    if store_url.startswith("sqlite"):
        yield Kept(settings, stores, tmp_path, f"sqlite:///{tmp_path}/elsewhere/geoalert.db")
        return
    name = f"test_{uuid.uuid4().hex}"
    await stores.copy(await stores.blank(), name)
    yield Kept(settings, stores, tmp_path, server_url(name))
    async with administrator() as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
