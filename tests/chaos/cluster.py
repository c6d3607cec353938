"""A PostgreSQL of a test's own, to be killed: the one that other tests use is never touched."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from geoalert.bootstrap import House, open_house
from geoalert.settings import Settings

SERVERS: Final = Path("/usr/lib/postgresql")
ROOT: Final = os.geteuid() == 0
SUPERUSER: Final = "postgres"  # the server refuses to run as root: then it is this user's


def programs() -> Path:
    """The newest server's programs."""
    found = sorted(SERVERS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, f"a PostgreSQL answers, but there is no initdb under {SERVERS}"
    return found[-1].parent


@dataclass(frozen=True)
class Cluster:
    """Its data in a folder, its port fixed: who was connected finds it again at the same address."""

    folder: Path
    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/geoalert"

    async def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        await self._ctl("start", "-l", str(self.folder / "log"), "-o", options)

    async def crash(self) -> None:
        """It ends at once, as by a power cut to the server's processes: nothing is flushed, nobody is told."""
        await self._ctl("stop", "-m", "immediate")

    async def _ctl(self, what: str, *options: str) -> None:
        await run(str(programs() / "pg_ctl"), what, "-w", "-D", str(self.data), *options, folder=self.folder)


async def run(*command: str, folder: Path) -> None:
    """A program of the server's, as a user who may run it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    who = SUPERUSER if ROOT else None
    with (folder / "words").open("ab") as words:  # a pipe would stay open as long as the server does
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            user=who,
            group=who,
        )
        code = await process.wait()
    assert code == 0, (folder / "words").read_text(encoding="utf-8")


@asynccontextmanager
async def cluster(data: Path | None = None) -> AsyncIterator[Cluster]:
    """Runs for the length of a block, with an empty database that has PostGIS; `data` is an empty folder of another
    file system for all but the log of changes, where one is wanted.
    """
    folder = Path(tempfile.mkdtemp(prefix="geoalert-cluster."))  # short: a socket's path must be; pytest's are private
    made = Cluster(folder, (data or folder) / "data", free_port())
    if ROOT:
        entry = pwd.getpwnam(SUPERUSER)
        for each in (folder, data or folder):
            os.chown(each, entry.pw_uid, entry.pw_gid)
    try:
        initdb = (str(programs() / "initdb"), "-D", str(made.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8")
        # The server itself syncs as it should.
        await run(*initdb, "--locale=C.UTF-8", "--no-sync", "-X", str(folder / "wal"), folder=folder)
        await made.start()
        try:
            await _database(made)
            yield made
        finally:
            if (made.data / "postmaster.pid").exists():
                await made.crash()
    finally:
        shutil.rmtree(folder)


async def _database(made: Cluster) -> None:
    admin = await asyncpg.connect(made.url.replace("/geoalert", "/postgres"))
    await admin.execute("CREATE DATABASE geoalert")
    await admin.close()
    connection = await asyncpg.connect(made.url)
    await connection.execute("CREATE EXTENSION postgis")
    await connection.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@asynccontextmanager
async def house_at(url: str, settings: Settings) -> AsyncIterator[House]:
    """A house like that of the settings, on an upgraded store elsewhere."""
    settings.store.url = url
    async with open_house(settings, create=True) as house:
        await house.upgrade()
        await house.refresh()
        yield house
