"""kill -9 of the server among sign-ups: whoever was told yes is there, whoever is there is whole, and is once."""

from __future__ import annotations

import asyncio
import random
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from geoalert.audit import verify
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.departments import issue, name_officer
from geoalert.settings import Settings
from geoalert.subscribers.tables import Address, Consent, Place, Subscriber
from tests.conftest import Providers
from tests.e2e.commands import Running, environment, run, running
from tests.waiting import until
from tests.workbench import KOTHRUD

PEOPLE = 200
KILLS = 2
SERVING = re.compile(r"serving on (http://\S+)/docs")


@asynccontextmanager
async def serving(folder: Path, env: dict[str, str], name: str) -> AsyncIterator[tuple[Running, httpx2.AsyncClient]]:
    async with running("serve", "--port", "0", cwd=folder, env=env, name=name) as server:
        await until(lambda: SERVING.search(server.err.read_text(encoding="utf-8")), "it says where it serves")
        found = SERVING.search(server.err.read_text(encoding="utf-8"))
        assert found is not None
        async with httpx2.AsyncClient(base_url=found[1], timeout=60) as client:

            async def ready() -> bool:
                with suppress(httpx2.TransportError):
                    return (await client.get("/healthz")).status_code == 200
                return False

            await until(ready, "it answers")
            yield server, client


async def sign_up(client: httpx2.AsyncClient, credential: str, number: int) -> bool:
    """Whether the server said yes; it may be gone."""
    lon, lat = KOTHRUD
    body = {"phone": f"+91{9_000_000_000 + number}", "places": [{"lat": lat, "lon": lon}], "consent": "web"}
    headers = {"Authorization": f"Bearer {credential}", "Idempotency-Key": f"neighbour-{number}"}
    with suppress(httpx2.TransportError):
        answer = await client.post("/v1/subscribers", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return True
    return False


async def held(house: House) -> int:
    """People in the store: all whole, each written down once, in a chain that holds."""
    _, _, broken = await verify(house.store)
    assert broken is None
    async with house.store.reading() as session:
        added = select(func.count()).where(AuditEntry.action == "subscribers.added")
        of_people = select(func.count()).where(Address.owner_kind == "subscriber")
        others = [select(func.count()).select_from(table) for table in (Place, Consent)]
        counts = [(await session.execute(query)).scalar_one() for query in (of_people, added, *others)]
        people = (await session.execute(select(func.count()).select_from(Subscriber))).scalar_one()
    assert counts == [people] * 4
    return int(people)


@pytest.mark.requirement("S002-14")
async def test_kill_9_among_sign_ups_loses_nobody_and_halves_nobody(
    house: House, settings: Settings, providers: Providers, tmp_path: Path
) -> None:
    async with house.store.writing() as session:
        agent = await name_officer(session, "water-supply", "Test agent", "Call centre", ["call-centre"])
        credential = await issue(session, "water-supply", officer=agent.reference)
    env = environment(
        GEOALERT_STORE_URL=settings.store.url,
        GEOALERT_STORE_KEY_FILE=str(tmp_path / "keys.json"),
        GEOALERT_SANDBOX_CREDENTIALS=str(providers.credentials),
        GEOALERT_WORKER_SUPERVISE="false",
    )
    chance = random.Random(5)  # noqa: S311 - a moment to kill at
    told_yes: set[int] = set()
    for kill in range(KILLS):
        async with serving(tmp_path, env, f"serve{kill}") as (server, client):
            asked = [number for number in range(PEOPLE) if number not in told_yes]
            signing = {number: asyncio.create_task(sign_up(client, credential, number)) for number in asked}
            enough = chance.randint(5, 40)
            await until(
                lambda signing=signing, enough=enough: sum(task.done() for task in signing.values()) >= enough,  # type: ignore[misc]
                "some are in",
            )
            server.signal(signal.SIGKILL)
            assert (await server.ended()).code == -signal.SIGKILL
            told_yes |= {number for number, task in signing.items() if await task}
        assert len(told_yes) <= await held(house) < PEOPLE, "it was killed in the middle"
    async with serving(tmp_path, env, "again") as (_, client):
        answers = await asyncio.gather(*(sign_up(client, credential, number) for number in range(PEOPLE)))
    assert all(answers)
    assert await held(house) == PEOPLE
    for command in (("audit", "verify"), ("audience", "verify")):
        ran = await run(*command, cwd=tmp_path, env=env, name=command[0])
        assert ran.code == 0, ran.err
