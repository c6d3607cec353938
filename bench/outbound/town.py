"""A store of its own with people to tell and officers who may: what dispatch is measured on."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from geoalert.alerts import Request, approve, draft, submit
from geoalert.bootstrap import House, open_house
from geoalert.departments import Actor, authenticate, find_department, issue, name_officer
from geoalert.dispatch.tables import Batch
from geoalert.operations.broadcast import broadcast
from geoalert.operations.compose import compose
from geoalert.operations.demo_story import FLOOD, WATER
from geoalert.operations.release import release
from geoalert.sandbox.credentials import sandbox_credentials, write_credentials
from geoalert.settings import Settings
from geoalert.store import database_now
from geoalert.store.keys import new_keys, write_keys
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point

GROUP = 2_000
HOME = Point(73.8077, 18.5074)  # Kothrud
AWAY = Point(73.9340, 18.5005)  # Hadapsar
FEW = 2  # batches
WATER_SUPPLY, DISASTER = "water-supply", "disaster-management"


OFFICERS = {"a": (WATER_SUPPLY, "nodal"), "b": (WATER_SUPPLY, "nodal"), "c": (DISASTER, "disaster")}
Texts = Mapping[str, Mapping[str, str]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@dataclass(frozen=True)
class Sink:
    """A provider in a process of its own."""

    url: str

    def seen(self) -> dict[str, Any]:
        """By message what arrived."""
        with urllib.request.urlopen(f"{self.url}/seen", timeout=30) as answer:  # noqa: S310 - loopback
            found: dict[str, Any] = json.load(answer)
        return found

    def forget(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/forget", method="POST"), timeout=30).close()  # noqa: S310


@contextmanager
def sink(latency_ms: float) -> Iterator[Sink]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.outbound.sink", str(port), str(latency_ms)])  # noqa: S603
    try:
        made = Sink(f"http://127.0.0.1:{port}")
        _patiently(made.seen)
        yield made
    finally:
        process.kill()
        process.wait()


def _patiently(what: Callable[[], object]) -> None:
    for _ in range(200):
        try:
            what()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the sink did not start")


@dataclass
class Town:
    """An open house in this process; workers are processes of their own."""

    house: House
    folder: Path
    url: str
    author: Actor
    approver: Actor
    disaster: Actor
    disaster_credential: str

    @property
    def credentials(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def env(self) -> dict[str, str]:
        return environment(self.url, self.folder)

    async def settle(self, count: int, home: Point = HOME, first: int = 0) -> None:
        """People with the app, and a token each."""
        for start in range(first, first + count, GROUP):
            people = [
                make_person(
                    addresses={"push": f"bench-token-{n:07d}"}, channels=("push",), points=[home], consent="web"
                )
                for n in range(start, min(start + GROUP, first + count))
            ]
            async with self.house.store.writing() as session:
                await register(session, people, "bench")

    async def sent(self, ward: str = "kothrud-bavdhan") -> str:
        """A routine message, released; returns the message's identifier."""
        request = await self._request(ward, "water-supply", "Moderate", WATER)
        async with self.house.store.writing() as session:
            unit = await find_department(session, WATER_SUPPLY)
            alert, message = await draft(
                session, self.author, unit.id, await compose(session, self.house.desk, request)
            )
            await submit(session, self.author, alert)
            await approve(session, self.approver, alert, message.content_hash)
        async with self.house.store.writing() as session:
            alert = await session.merge(alert)
            await release(session, self.house.desk, self.approver, alert)
            return message.identifier

    async def broadcast(self, ward: str = "kothrud-bavdhan") -> str:
        """An Extreme message, released; returns the alert's identifier."""
        request = await self._request(ward, "flood", "Extreme", FLOOD)
        async with self.house.store.writing() as session:
            alert, _ = await broadcast(session, self.house.desk, self.disaster, request, "the river rises")
            return alert.identifier

    async def _request(self, ward: str, category: str, severity: str, texts: Texts) -> Request:
        async with self.house.store.reading() as session:
            now = await database_now(session)
        return Request(
            category=category,
            severity=severity,
            texts=texts,
            expires=now + timedelta(hours=6),
            wards=[ward],
            channels=("push",),
        )

    async def open_batches(self, most: int) -> int:
        """How many are not done, counted up to `most`."""
        # Cheap: who looks on takes from what is measured.
        async with self.house.store.looking() as session:
            found = await session.scalars(select(Batch.id).where(Batch.state.in_(["queued", "leased"])).limit(most))
            return len(found.all())

    async def until_done(self) -> None:
        """Looks closely only at the last one: a twentieth of a second is some of what is measured."""
        while left := await self.open_batches(FEW):  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.05 if left == FEW else 0.005)

    @contextmanager
    def workers(self, count: int, in_flight: int, rate: float) -> Iterator[list[subprocess.Popen[bytes]]]:
        """So many, ready to work."""
        command = [sys.executable, "-m", "bench.outbound.worker", str(in_flight), str(rate)]
        made = [
            subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE)  # noqa: S603 - ours
            for _ in range(count)
        ]
        try:
            for each in made:
                assert each.stdout is not None
                each.stdout.readline()
            yield made
        finally:
            for each in made:
                each.terminate()
            for each in made:
                each.wait(30)
                assert each.stdout is not None
                each.stdout.close()


def environment(url: str, folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GEOALERT_")}
    return clean | {
        "GEOALERT_STORE_URL": url,
        "GEOALERT_STORE_KEY_FILE": str(folder / "keys.json"),
        "GEOALERT_SANDBOX_CREDENTIALS": str(folder / "sandbox.json"),
        "GEOALERT_SANDBOX_PUSH_RATE": "1000000",
        "GEOALERT_WORKER_SUPERVISE": "false",
    }


def settings_of(url: str, folder: Path) -> Settings:
    settings = Settings()
    settings.store.url, settings.store.key_file = url, folder / "keys.json"
    settings.sandbox.credentials, settings.sandbox.push_rate = folder / "sandbox.json", 1e6
    return settings


async def found(url: str, folder: Path, sink_url: str, stack: AsyncExitStack) -> Town:
    """A new store at `url`, its files in `folder`, its provider the sink; open as long as the stack."""
    folder.mkdir()  # noqa: ASYNC240 - a bench
    write_keys(folder / "keys.json", new_keys())
    write_credentials(folder / "sandbox.json", sandbox_credentials(sink_url))
    house = await stack.enter_async_context(open_house(settings_of(url, folder), create=True))
    await house.upgrade()
    async with house.store.writing() as session:
        named = {}
        for who, (unit, role) in OFFICERS.items():
            officer = await name_officer(session, unit, f"Officer {who}", "Bench", [role])
            named[who] = await issue(session, unit, officer=officer.reference)
    async with house.store.reading() as session:
        author, approver, disaster = [await authenticate(session, named[who]) for who in "abc"]
    return Town(house, folder, url, author, approver, disaster, named["c"])
