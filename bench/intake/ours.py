"""geoalert itself: its import command in a process of its own, and its HTTP door under many sign-ups at one moment."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from geoalert.bootstrap import open_house
from geoalert.departments import issue, name_officer
from geoalert.settings import Settings

COMMAND = (sys.executable, "-m", "geoalert.cli.main")
SERVING = re.compile(rb"serving on (http://\S+)/docs")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Imported:
    rows: int
    added: int
    seconds: float
    cpu_s: float  # of the command; the embedded store is part of it
    server_cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class Product:
    """One store, new; `folder` is its own."""

    url: str
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GEOALERT_")}
        return clean | {
            "GEOALERT_STORE_URL": self.url,
            "GEOALERT_STORE_KEY_FILE": str(self.folder / "keys.json"),
            "GEOALERT_WORKER_SUPERVISE": "false",
        }

    def command(self, *arguments: str) -> None:
        subprocess.run([*COMMAND, *arguments], env=self.env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603

    def make(self) -> None:
        """Keys and schema."""
        self.command("db", "new-keys", str(self.folder / "keys.json"))
        self.command("db", "upgrade")

    async def bring_in(self, file: Path) -> Imported:
        """The import as one would run it; its words go to a file, as under cron."""
        before = await self._server_cpu()
        found, taken, used = await asyncio.to_thread(self._import, file)
        return Imported(
            found["rows"],
            found["added"],
            taken,
            used.ru_utime + used.ru_stime,
            await self._server_cpu() - before,
            used.ru_maxrss / 1024,
        )

    def _import(self, file: Path) -> tuple[dict[str, Any], float, resource.struct_rusage]:
        arguments = [*COMMAND, "subscribers", "import", str(file), "--json", "--refused", os.devnull]
        out, err = self.folder / "import.json", self.folder / "import.err"
        begun = time.perf_counter()
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(arguments, env=self.env, stdout=to_out, stderr=to_err)  # noqa: S603
            _, status, used = os.wait4(process.pid, 0)
        taken, process.returncode = time.perf_counter() - begun, os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, err.read_text(encoding="utf-8")
        return json.loads(out.read_text(encoding="utf-8")), taken, used

    async def _server_cpu(self) -> float:
        """Seconds of processor that ended connections of a PostgreSQL on this machine have used."""
        if self.url.startswith("sqlite"):
            return 0.0
        connection = await asyncpg.connect(self.url)
        folder = await connection.fetchval("SHOW data_directory")
        await connection.close()
        await asyncio.sleep(0.5)  # its process, and those of others before it, end in their own time
        return _of_children(Path(folder))

    async def sign_ups(self, people: int, rounds: int) -> list[float]:
        """Seconds until so many who sign up at one moment have all been answered, over a socket, each round."""
        credential = await self._caller()
        with (self.folder / "serve.err").open("wb") as err:
            server = subprocess.Popen([*COMMAND, "serve", "--port", "0"], env=self.env, stderr=err)  # noqa: ASYNC220, S603
        try:
            # People come with a connection each.
            limits = httpx2.Limits(max_connections=people, max_keepalive_connections=0)
            async with httpx2.AsyncClient(base_url=await self._address(), timeout=120, limits=limits) as client:
                numbers = iter(range(people * (rounds + 1)))
                taken = []
                for _ in range(rounds + 1):  # the first warms the server
                    begun = time.perf_counter()
                    await asyncio.gather(*(_sign_up(client, credential, next(numbers)) for _ in range(people)))
                    taken.append(time.perf_counter() - begun)
        finally:
            server.terminate()
            server.wait(30)
        return taken[1:]

    async def _caller(self) -> str:
        settings = Settings()
        settings.store.url, settings.store.key_file = self.url, self.folder / "keys.json"
        async with open_house(settings) as house, house.store.writing() as session:
            agent = await name_officer(session, "water-supply", "Bench agent", "Call centre", ["call-centre"])
            return await issue(session, "water-supply", officer=agent.reference)

    async def _address(self) -> str:
        while not (found := SERVING.search((self.folder / "serve.err").read_bytes())):  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.1)
        address = found[1].decode()
        async with httpx2.AsyncClient(base_url=address) as client:
            while True:
                with suppress(httpx2.TransportError):
                    await client.get("/healthz")
                    return address
                await asyncio.sleep(0.1)


def _of_children(data: Path) -> float:
    """Linux counts what ended children used with their parent."""
    pid = (data / "postmaster.pid").read_text(encoding="ascii").split()[0]
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[13]) + int(stat[14])) / TICKS


async def _sign_up(client: httpx2.AsyncClient, credential: str, number: int) -> None:
    body = {
        "phone": f"+91{8_800_000_000 + number}",
        "places": [{"lat": round(18.5074 + number % 200 * 1e-5, 6), "lon": 73.8077}],
        "consent": "web",
    }
    headers = {"Authorization": f"Bearer {credential}"}
    answer = await client.post("/v1/subscribers", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
