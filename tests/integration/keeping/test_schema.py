"""Programs of another schema than the store's: none starts, none that runs goes on writing, none writes in between."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, text

from geoalert.alerts.tables import Message
from geoalert.bootstrap import House, migration_scripts
from geoalert.dispatch.tables import Batch
from geoalert.errors import Outdated
from geoalert.store import Store, open_store
from geoalert.store.migrations import alone, head_of
from geoalert.subscribers.tables import Subscriber
from tests.e2e.commands import running
from tests.e2e.test_killed_signups import serving
from tests.integration.keeping.kept import Kept
from tests.stores import ON_POSTGRESQL
from tests.waiting import until

NEWER, OLDER = "9999", "0005"


async def stamp(store: Store, revision: str) -> None:
    """What an upgrade by another program comes to, for those who only ask which schema it is."""
    async with store.engine.execution_options(geoalert_begin="BEGIN IMMEDIATE").begin() as connection:
        await alone(connection)
        await connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


@pytest.mark.parametrize("command", [("worker",), ("serve", "--port", "0"), ("db", "check"), ("audit", "verify")])
@pytest.mark.parametrize(
    ("revision", "words"), [(NEWER, "does not know; install"), (OLDER, "run: geoalert db upgrade")]
)
async def test_nothing_starts_on_a_store_of_another_schema(
    kept: Kept, command: tuple[str, ...], revision: str, words: str
) -> None:
    async with kept.house() as house:
        await stamp(house.store, revision)
    line = kept.shell()(*command).refused(words)
    assert revision in line
    assert head_of(migration_scripts()) in line


async def test_an_older_program_does_not_upgrade_a_newer_store(kept: Kept) -> None:
    async with kept.house() as house:
        await stamp(house.store, NEWER)
    kept.shell()("db", "upgrade").refused("does not know; install")


async def test_a_running_worker_stops_when_the_store_is_brought_to_another_schema(kept: Kept) -> None:
    async with kept.chain() as chain:
        async with running("worker", cwd=kept.folder, env=kept.environment(), name="worker") as worker:
            await until(lambda: "carries" in worker.err.read_text(), "it has started")
            await chain.settle()
            await stamp(chain.house.store, NEWER)
            await chain.sent()  # by a house that never asked: as if by the newer program
            ran = await worker.ended(20)
        assert ran.code == 1
        assert ran.lines[1:] == [line for line in ran.lines if NEWER in line and line.startswith("refused: ")]
        async with chain.house.store.reading() as session:
            states = set(await session.scalars(select(Batch.state)))
        assert states == {"queued"}, "nothing was carried by the old rules"


async def test_a_running_server_stops_too_and_takes_its_worker_along(kept: Kept) -> None:
    async with serving(kept.folder, kept.environment(), "serve") as (server, _):
        async with kept.house() as house:
            await stamp(house.store, NEWER)
        ran = await server.ended(30)
        assert ran.code == 1
        assert NEWER in ran.lines[-1]
        assert "Traceback" not in ran.err
        await server.alone()


async def test_no_transaction_writes_by_the_rules_of_before(house: House) -> None:
    """Not even in the half second until a process looks again."""
    await house.require_current()
    other = open_store(house.settings.store.url, house.keys)
    try:
        async with house.store.writing() as session:
            assert await session.scalar(select(func.count()).select_from(Subscriber)) == 0
        await stamp(other, NEWER)
        with pytest.raises(Outdated, match=f"to schema {NEWER} while"):
            async with house.store.writing():
                pytest.fail("it may write")
        assert house.store.outdated.is_set()
        async with house.store.reading() as session:
            assert await session.scalar(select(func.count()).select_from(Message)) == 0
    finally:
        await other.close()


@ON_POSTGRESQL
async def test_an_upgrade_waits_for_who_writes_and_who_comes_then_waits_for_it(house: House) -> None:
    await house.require_current()
    other = open_store(house.settings.store.url, house.keys)
    try:
        async with house.store.writing():
            upgrading = asyncio.create_task(stamp(other, NEWER))
            await asyncio.sleep(0.3)
            assert not upgrading.done()

            async def late() -> None:
                async with house.store.writing():
                    pytest.fail("it may write")

            coming = asyncio.create_task(late())
            await asyncio.sleep(0.3)
            assert not coming.done()
        await upgrading
        with pytest.raises(Outdated):
            await coming
    finally:
        await other.close()
