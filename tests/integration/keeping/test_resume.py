"""A copy taken among sign-ups and in the middle of a dispatch goes on elsewhere; what breaks off is no copy."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.tables import Batch
from geoalert.subscribers import register
from geoalert.subscribers.tables import Address, Consent, Place, Subscriber
from tests.conftest import Providers
from tests.e2e.commands import run, running
from tests.e2e.crowd import person
from tests.integration.keeping.kept import Kept
from tests.stores import administrator
from tests.waiting import until
from tests.workbench import HADAPSAR, Chain

MARATHI, ENGLISH = 100, 700  # the first are one batch, and soon told
PEOPLE = MARATHI + ENGLISH
LONG = "600"  # seconds of a lease: whoever takes over does not wait for it
OVER = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED})


async def batches(kept: Kept, url: str) -> list[Batch]:
    async with kept.house(url) as house, house.store.reading() as session:
        return list(await session.scalars(select(Batch).order_by(Batch.id)))


async def sign_up(chain: Chain, stopping: asyncio.Event) -> None:
    """One after the other, outside the area."""
    while not stopping.is_set():
        await chain.settle(at=HADAPSAR)
        await asyncio.sleep(0.01)


@pytest.mark.requirement("S002-14")
async def test_a_copy_in_mid_dispatch_goes_on_and_repeats_nothing_finished(kept: Kept, providers: Providers) -> None:
    def accepted() -> int:
        return sum(told.accepted for told in providers.sandbox.inbox.told.values())

    stopping = asyncio.Event()
    slow = kept.environment(GEOALERT_SANDBOX_PUSH_RATE="100", GEOALERT_WORKER_LEASE=LONG)
    async with kept.chain() as chain:
        async with chain.house.store.writing() as session:
            numbers = [3 * number for number in range(1, MARATHI + 1)] + [3 * number + 2 for number in range(ENGLISH)]
            await register(session, [person(number, ("push",)) for number in numbers], "test")
        chain.numbers = count(max(numbers) + 1)
        providers.sandbox.mischief.change({"latency_ms": 1_000.0})  # somebody is always being told
        await chain.broadcast(channels=("push",))
        signing = asyncio.create_task(sign_up(chain, stopping))
        async with running("worker", cwd=kept.folder, env=slow, name="first") as worker:

            async def some_are_done() -> bool:
                async with chain.house.store.reading() as session:
                    return await session.scalar(select(Batch.id).where(Batch.state == "done").limit(1)) is not None

            await until(some_are_done, "a batch is done")
            ran = await run("db", "backup", "copy", cwd=kept.folder, env=kept.environment(), name="backup")
            assert ran.code == 0, ran.err
            worker.signal(signal.SIGKILL)
            await worker.ended()
        stopping.set()
        await signing
    ran = await run("db", "restore", "copy", cwd=kept.folder, env=kept.environment(kept.elsewhere), name="restore")
    assert ran.code == 0, ran.err
    copied = await batches(kept, kept.elsewhere)
    assert {"done", "leased"} <= {batch.state for batch in copied}
    assert any(Outcome.SENDING in batch.outcomes for batch in copied)
    left = sum(1 for batch in copied for outcome in batch.outcomes if outcome not in OVER)
    async with kept.house(kept.elsewhere) as house, house.store.reading() as session:
        counts = [
            await session.scalar(select(func.count()).select_from(table)) for table in (Subscriber, Place, Consent)
        ]
        counts.append(await session.scalar(select(func.count()).where(Address.owner_kind == "subscriber")))
    assert len(set(counts)) == 1, "nobody is half in the copy"
    providers.sandbox.mischief.change({"latency_ms": 0.0})
    before = accepted()
    async with running("worker", cwd=kept.folder, env=kept.environment(kept.elsewhere), name="second") as worker:

        async def done() -> bool:
            return all(batch.state == "done" for batch in await batches(kept, kept.elsewhere))

        await until(done, "every batch is done", 60)
        worker.signal(signal.SIGTERM)
        assert (await worker.ended(10)).code == 0
    assert accepted() - before == left, "whom the copy names as told was told again"
    told = providers.sandbox.inbox.recipients["push"]
    assert (len(told), max(told.values())) == (PEOPLE, 1)
    ours = {batch.id: batch.outcomes for batch in copied if batch.state == "done"}
    assert ours == {batch.id: batch.outcomes for batch in await batches(kept, kept.elsewhere) if batch.id in ours}
    kept.verified(kept.elsewhere)


async def writes(url: str) -> bool:
    """Whether somebody writes in the database; asked from another, for who is connected is in the way."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_xid IS NOT NULL"
    async with administrator() as admin:
        return bool(await admin.fetchval(query, url.rpartition("/")[2]))


async def killed(kept: Kept, *command: str, url: str, begun: Callable[[], object], name: str) -> None:
    chance = random.Random(name)  # noqa: S311 - a moment to kill at
    async with running(*command, cwd=kept.folder, env=kept.environment(url), name=name) as running_command:
        await until(begun, "it has begun", 30)
        await asyncio.sleep(chance.uniform(0, 0.3))
        running_command.signal(signal.SIGKILL)
        assert (await running_command.ended()).code == -signal.SIGKILL, "it was too quick to be killed"


async def test_kill_9_leaves_nothing_half_that_is_taken_for_whole(kept: Kept) -> None:
    async with kept.chain() as chain, chain.house.store.writing() as session:
        await register(session, [person(next(kept.numbers), ("push",)) for _ in range(6_000)], "test")
    elsewhere = Path(kept.elsewhere.removeprefix("sqlite:///"))

    def draft(folder: Path, pattern: str) -> Callable[[], object]:
        return lambda: list(folder.glob(pattern))

    for number in range(2):
        await killed(
            kept, "db", "backup", "copy", url=kept.url, begun=draft(kept.folder, "copy.*/02*"), name=f"backup{number}"
        )
        assert not (kept.folder / "copy").exists()
    for left in kept.folder.glob("copy.*.part"):
        kept.shell(kept.elsewhere)("db", "restore", left.name).refused("no whole backup")
    kept.backup()
    begun = (lambda: writes(kept.elsewhere)) if kept.postgresql else draft(elsewhere.parent, "*.part")
    for number, command in enumerate((("restore", "copy"), ("move", "--to", kept.elsewhere))):
        url = kept.elsewhere if command[0] == "restore" else kept.url
        for left in elsewhere.parent.glob("*.part*"):
            left.unlink()
        await killed(kept, "db", *command, url=url, begun=begun, name=f"{command[0]}{number}")
        if kept.postgresql:
            await until(lambda: _gone(kept.elsewhere), "the server has noticed", 20)
            kept.shell(kept.elsewhere)("db", "check").refused("at schema none")
        else:
            assert draft(elsewhere.parent, elsewhere.name)() == []
    ran = kept.shell(kept.elsewhere)("db", "restore", "copy")
    assert ran.code == 0, ran.err
    kept.verified(kept.elsewhere)
    rows = json.loads((kept.folder / "copy" / "manifest.json").read_text())["parts"]
    assert sum(part["rows"] for part in rows) > 6_000 * 4


async def _gone(url: str) -> bool:
    return not await writes(url)
