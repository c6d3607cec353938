"""The disk fills up: what was answered with 2xx is there, the rest is told to come again, and all goes on by itself."""

from __future__ import annotations

import asyncio
import errno
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pytest

from geoalert.settings import Settings
from tests.chaos.clients import Clients
from tests.chaos.cluster import cluster, free_port, house_at
from tests.chaos.kept import kept
from tests.chaos.test_acknowledged import check, credentials
from tests.conftest import Providers
from tests.e2e.crowd import worker_environment
from tests.figures import Figure
from tests.stores import ON_SQLITE, require_server
from tests.waiting import until

SIZE: Final = "200m"
FLOWS: Final = 10.0  # seconds after there is room again
REFUSED: Final = 5  # answers of 503 to wait for
BLOCK: Final = b"\0" * 65_536


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small one of its own, where the server's user may enter; pytest's folders are private."""
    folder = Path(tempfile.mkdtemp(prefix="geoalert-disk."))
    tried = run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", str(folder))
    try:
        if tried.returncode:
            pytest.skip(f"a small disk takes the right to mount one: {tried.stderr.strip()}")
        try:
            yield folder
        finally:
            assert run("umount", "--lazy", str(folder)).returncode == 0
    finally:
        folder.rmdir()


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which(program) or pytest.skip(f"there is no {program} here")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False)


def fill(disk: Path) -> Path:
    """Takes all the room that is left."""
    path = disk / "filler"
    try:
        with path.open("wb", buffering=0) as filler:
            while filler.write(BLOCK):
                pass
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise
    return path


@ON_SQLITE
@pytest.mark.parametrize("where", ["SQLite", "PostgreSQL"])
async def test_a_full_disk_loses_nothing_that_was_acknowledged(
    where: str, disk: Path, settings: Settings, providers: Providers, tmp_path: Path, figure: Figure
) -> None:
    if where == "PostgreSQL":
        require_server()
    (disk / "data").mkdir()
    settings.store.url = f"sqlite:///{disk}/geoalert.db"
    port = free_port()
    async with cluster(disk / "data") if where == "PostgreSQL" else nullcontext() as server:
        if server is not None:
            settings.store.url = server.url
        keys = tmp_path / "keys.json"
        changes = {"GEOALERT_AUDIENCE_COMPILED": "false", "GEOALERT_WORKER_SUPERVISE": "false"}
        env = worker_environment(settings, keys, providers.credentials, GEOALERT_API_PORT=str(port), **changes)
        async with house_at(settings.store.url, settings) as house:
            clients = Clients(f"http://127.0.0.1:{port}", await credentials(house), least=0)
        async with kept("serve", folder=tmp_path, env=env) as api:
            await until(lambda: "serving" in api.words(), "it serves")
            asking = asyncio.create_task(clients.ask())
            await until(lambda: asking.done() or clients.acknowledged >= REFUSED, "it answers")
            filler = await asyncio.to_thread(fill, disk)
            await until(lambda: asking.done() or clients.unavailable >= REFUSED, "it says that it cannot")
            filler.unlink()
            began, before = time.monotonic(), clients.acknowledged
            await until(lambda: asking.done() or clients.acknowledged >= before + REFUSED, "it flows again")
            took = time.monotonic() - began
            clients.enough.set()
            await asking
            assert api.ended == []
        async with house_at(settings.store.url, settings) as house:
            await check(house, clients)
    assert clients.cut == 0
    assert took <= FLOWS
    figure(
        f"{where}: {clients.acknowledged} acknowledged, {clients.unavailable} answers of 503 on a full disk; "
        f"missing 0; it flowed {took:.1f} s after there was room"
    )
