"""`geoalert db move`: the same store in another home, and nobody at work on both."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from geoalert.audience import live
from geoalert.audience.live import LiveGrid
from geoalert.operations.demo_city import Credentials
from geoalert.subscribers.tables import Subscriber
from tests.integration.audience.conftest import kept as followed
from tests.integration.audience.town import Town
from tests.integration.keeping.kept import Kept, different
from tests.stores import ON_POSTGRESQL, ON_SQLITE, Stores, administrator, require_server, server_url
from tests.waiting import until
from tests.workbench import Chain


@pytest.fixture
async def server(stores: Stores) -> AsyncIterator[str]:
    """An empty database with PostGIS."""
    require_server()
    name = f"test_{uuid.uuid4().hex}"
    await stores.copy(await stores.blank(), name)
    yield server_url(name)
    async with administrator() as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@ON_SQLITE
@pytest.mark.requirement("S003-09")
async def test_the_demos_store_is_the_same_on_postgresql_and_back(kept: Kept, server: str) -> None:
    ran = await asyncio.to_thread(kept.shell(), "demo", "--exit", "--people", "1500", limit=180)
    assert ran.code == 0, ran.err
    file = kept.folder / "geoalert.db"
    shutil.copyfile(kept.folder / "var" / "demo" / "geoalert.db", file)
    shutil.copyfile(kept.folder / "var" / "demo" / "keys.json", kept.keys)
    kept.shell()("audit", "verify")  # whatever stood beside the file is in it
    before, held = await kept.rows(), sha256(file)
    ran = kept.shell()("db", "move", "--to", server)
    assert ran.code == 0, ran.err
    assert sha256(file) == held
    compared = {line.split()[0]: line.split()[-1] for line in ran.out.splitlines() if line.endswith("  equal")}
    assert compared == dict.fromkeys(before, "equal")
    assert different(before, await kept.rows(server)) == []
    kept.verified(server)
    kept.shell()("db", "move", "--to", server).refused("has rows")
    ran = kept.shell(server)("db", "move", "--to", kept.elsewhere)
    assert ran.code == 0, ran.err
    assert different(before, await kept.rows(kept.elsewhere)) == []
    kept.verified(kept.elsewhere)
    async with kept.house(server) as house:
        async with house.store.reading() as session:
            last = max(await session.scalars(select(Subscriber.id)))
        assert await Chain(house, Credentials({}, "", ""), kept.numbers).settle() == last + 1


async def test_a_store_that_somebody_has_open_is_not_moved(kept: Kept) -> None:
    async with kept.house():
        kept.shell()("db", "move", "--to", kept.elsewhere).refused("open in")
    async with kept.house(kept.url):
        pass
    ran = kept.shell()("db", "move", "--to", kept.elsewhere)
    assert ran.code == 0, ran.err
    kept.shell()("db", "move", "--to", kept.url).refused("already")


@ON_POSTGRESQL
async def test_who_followed_the_store_of_before_reads_everybody_anew(kept: Kept) -> None:
    """A process that slept with no connection open, and wakes over the restored store."""
    async with kept.chain() as chain:
        await chain.settle(channels=("sms",))
    kept.backup()
    async with kept.house() as house:
        grid = LiveGrid(house.store)
        async with followed(grid):
            town = Town(house, grid)
            expected = await town.settle()
            await town.agree()
            held = grid._overlay, grid._position
    ran = kept.shell()("db", "restore", "copy", "--replace")
    assert ran.code == 0, ran.err
    async with kept.house() as house:
        grid = LiveGrid(house.store)
        grid._overlay, grid._position = held
        town = Town(house, grid)
        assert not set(await town.ids()) & set(expected), "it answers of the store that is there"
        async with house.store.reading() as session:
            entries = await session.scalar(text("SELECT count(DISTINCT subscriber_id) FROM audience_change"))
        assert entries is not None
        assert entries > live.RELOAD_AT
        async with followed(grid):
            await until(lambda: grid.people == 1, "it is loaded", 20)
            await town.agree()
