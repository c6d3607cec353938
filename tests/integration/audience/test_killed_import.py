"""kill -9 in the middle of an import: whole people only, sound, and the rest can be brought in afterwards."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

from sqlalchemy import func, select

from geoalert.audit.tables import AuditEntry
from geoalert.settings import Settings
from geoalert.subscribers.bring_in import GROUP
from geoalert.subscribers.tables import Address, Consent, Place, Subscriber
from tests.conftest import Providers
from tests.e2e.commands import run, running
from tests.e2e.crowd import worker_environment
from tests.integration.audience.town import Town
from tests.waiting import until

ROWS = 10_000
KILLS = 2


async def test_kill_9_in_mid_import_leaves_whole_people(
    town: Town, settings: Settings, providers: Providers, tmp_path: Path
) -> None:
    chance = random.Random(8)  # noqa: S311 - places and moments
    rows = ["push_token,email,places,consent"]
    for number in range(ROWS):
        lat, lon = chance.uniform(18.4, 18.65), chance.uniform(73.7, 74.0)
        rows.append(f"test-token-{number:06d},,{lat:.5f} {lon:.5f};{lat + 0.01:.5f} {lon:.5f},form")
    file = tmp_path / "people.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    env = worker_environment(settings, tmp_path / "keys.json", providers.credentials)

    async def count(table: type[Subscriber | Address | Place | Consent]) -> int:
        async with town.house.store.reading() as session:
            query = select(func.count()).select_from(table)
            if table is Address:
                query = query.where(Address.owner_kind == "subscriber")
            return (await session.execute(query)).scalar_one()

    async def written_down() -> int:
        async with town.house.store.reading() as session:
            bodies = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == "subscribers.added"))
            return sum(json.loads(body)["detail"]["count"] for body in bodies)

    async def reached(wanted: int) -> bool:
        return await count(Subscriber) >= wanted

    for kill in range(KILLS):
        before = await count(Subscriber)
        async with running("subscribers", "import", str(file), cwd=tmp_path, env=env, name=f"import{kill}") as command:
            wanted = before + chance.choice((1, 1_000, 2_500))
            await until(lambda wanted=wanted: reached(wanted), "some are in")  # type: ignore[misc]
            command.signal(signal.SIGKILL)
            assert (await command.ended()).code == -signal.SIGKILL
        held = await count(Subscriber)
        assert before < held < ROWS
        assert held % GROUP == 0
        assert [await count(table) for table in (Address, Place, Consent)] == [held, 2 * held, held]
        ran = await run("audit", "verify", cwd=tmp_path, env=env, name="audit")
        assert ran.code == 0, ran.err
        assert await written_down() == held
    ran = await run("audience", "verify", "--json", cwd=tmp_path, env=env, name="verify")
    assert (ran.code, ran.document["clean"]) == (0, True), ran.out

    ran = await run("subscribers", "import", str(file), "--json", cwd=tmp_path, env=env, name="rest")
    assert ran.document["added"] == ROWS - held
    assert (ran.document["known"], ran.document["refused"]) == (held, 0)
    assert [await count(table) for table in (Subscriber, Address, Place)] == [ROWS, ROWS, 2 * ROWS]
    ran = await run("audience", "verify", cwd=tmp_path, env=env, name="verify")
    assert ran.code == 0
