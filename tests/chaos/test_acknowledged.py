"""What was answered with 2xx is in the store, whatever is killed meanwhile: the API, the worker, PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import func, select

from geoalert.alerts.tables import Alert
from geoalert.audit import verify
from geoalert.bootstrap import House
from geoalert.departments import issue, name_officer
from geoalert.dispatch.tables import Batch
from geoalert.operations.demo_city import seat_officers
from geoalert.settings import Settings
from geoalert.subscribers import register
from geoalert.subscribers.tables import Subscriber
from tests.chaos.clients import Clients
from tests.chaos.cluster import Cluster, cluster, free_port, house_at
from tests.chaos.extent import ACKNOWLEDGED, FULL
from tests.chaos.kept import Kept, kept
from tests.conftest import Providers
from tests.e2e.crowd import TOLD, person, worker_environment
from tests.figures import Figure
from tests.stores import ON_SQLITE, require_server
from tests.waiting import until

SEED: Final = 15
PEOPLE: Final = 40  # on push
PAUSE: Final = (2.0, 5.0) if FULL else (0.5, 1.5)  # seconds between kills
DOWN: Final = (0.1, 2.0) if FULL else (0.3, 0.8)  # seconds PostgreSQL stays away


@dataclass
class Murder:
    """Kills what can be killed, each before any is killed again."""

    chance: random.Random
    api: Kept
    worker: Kept
    server: Cluster | None
    kills: int = 0

    def at_work(self) -> bool:
        return "serving" in self.api.words() and "carries" in self.worker.words()

    async def go_on(self, clients: Clients) -> None:
        """Until all have been killed and enough was acknowledged."""
        while True:
            victims: list[Kept | Cluster] = [self.api, self.worker, *([self.server] if self.server else [])]
            self.chance.shuffle(victims)
            for victim in victims:
                if victim is self.server:  # those who are connected are to lose it
                    await until(self.at_work, "both are at work")
                await asyncio.sleep(self.chance.uniform(*PAUSE))
                await self._kill(victim)
            if clients.acknowledged >= clients.least or not FULL:
                return

    async def _kill(self, victim: Kept | Cluster) -> None:
        self.kills += 1
        if isinstance(victim, Kept):
            await victim.kill()
            return
        api = self.api.pid
        await victim.crash()
        await asyncio.sleep(self.chance.uniform(*DOWN))
        await victim.start()
        assert api is None or self.api.pid == api, "serve did not outlive its server"


async def credentials(house: House) -> dict[str, str]:
    """Those who may ask for each thing; and there are people to tell."""
    async with house.store.writing() as session:
        officers = await seat_officers(session)
        agent = await name_officer(session, "water-supply", "Test agent", "Call centre", ["call-centre"])
        caller = await issue(session, "water-supply", officer=agent.reference)
        await register(session, [person(number, ("push",)) for number in range(PEOPLE)], "test")
    return {
        "alerts": officers.officers["water-supply"][0],
        "broadcasts": officers.officers["disaster-management"][0],
        "subscribers": caller,
    }


async def check(house: House, clients: Clients) -> None:
    """All that was acknowledged is there, nothing is there twice, and the record holds."""
    said = {what: set(named) for what, named in clients.said_yes.items()}
    assert sum(map(len, said.values())) == clients.acknowledged
    async with house.store.reading() as session:
        alerts = set(await session.scalars(select(Alert.identifier)))
        people = set(await session.scalars(select(Subscriber.reference)))
        count = await session.scalar(select(func.count()).select_from(Subscriber))
    assert said["alerts"] | said["broadcasts"] == alerts
    assert said["subscribers"] <= people
    assert count == PEOPLE + len(said["subscribers"])
    _, _, broken = await verify(house.store)
    assert broken is None


async def told(house: House, providers: Providers, broadcasts: int) -> None:
    """Every batch ends, and all its recipients were told, none of them twice."""

    async def batches() -> list[Batch]:
        async with house.store.reading() as session:
            return list(await session.scalars(select(Batch)))

    async def done() -> bool:
        return all(batch.state == "done" for batch in await batches())

    await until(done, "every batch is done")
    assert sum(batch.size for batch in await batches()) == PEOPLE * broadcasts
    assert {outcome for batch in await batches() for outcome in batch.outcomes} <= TOLD
    seen = providers.sandbox.channels()["push"]
    assert (seen["recipients"], seen["doubled"]) == (PEOPLE, 0)


@asynccontextmanager
async def home(where: str, settings: Settings) -> AsyncIterator[Cluster | None]:
    """Where the store is to be: beside the test, or on a server of its own."""
    if where == "PostgreSQL":
        require_server()
    async with cluster() if where == "PostgreSQL" else nullcontext() as server:
        if server is not None:
            settings.store.url = server.url
        yield server


@ON_SQLITE
@pytest.mark.parametrize("where", ["SQLite", "PostgreSQL"] if FULL else ["PostgreSQL"])
@pytest.mark.requirement("S002-14")
async def test_what_was_acknowledged_is_there_whatever_is_killed(
    where: str, settings: Settings, providers: Providers, tmp_path: Path, figure: Figure
) -> None:
    port = free_port()
    async with home(where, settings) as server:
        env = worker_environment(
            settings,
            tmp_path / "keys.json",
            providers.credentials,
            GEOALERT_API_PORT=str(port),
            GEOALERT_AUDIENCE_COMPILED="false",
            GEOALERT_WORKER_SUPERVISE="false",
        )
        async with house_at(settings.store.url, settings) as house:
            clients = Clients(f"http://127.0.0.1:{port}", await credentials(house), ACKNOWLEDGED)
        async with kept("serve", folder=tmp_path, env=env) as api, kept("worker", folder=tmp_path, env=env) as worker:
            murder = Murder(random.Random(SEED), api, worker, server)  # noqa: S311 - moments to kill at
            await until(murder.at_work, "both are at work")
            asking = asyncio.create_task(clients.ask())
            await until(lambda: asking.done() or clients.acknowledged, "it answers")
            await murder.go_on(clients)
            clients.enough.set()
            await asking
            async with house_at(settings.store.url, settings) as house:
                await told(house, providers, len(clients.said_yes["broadcasts"]))
                await check(house, clients)
        assert api.by_itself() == []
        went = worker.by_itself()
        for ran in went:  # in one line, after what it had said before
            assert (ran.code, "Traceback" in ran.err) == (1, False), ran.err
            assert [line.startswith("refused: ") for line in ran.lines] == [False] * (len(ran.lines) - 1) + [True]
        assert any("carries" in ran.err for ran in went) == (server is not None)
    assert clients.unavailable > 0 or server is None
    figure(
        f"{where}: {clients.acknowledged:,} acknowledged under {murder.kills} kills, {clients.unavailable} answers of "
        f"503, {clients.cut} connections cut: missing 0, told twice 0"
    )
