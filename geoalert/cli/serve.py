"""`geoalert serve`: the HTTP door, and beside an embedded store its worker."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer
import uvicorn

from api.main import create_app
from geoalert.bootstrap import collect_traces, open_house, until_outdated_at
from geoalert.bootstrap.long_lived import settle
from geoalert.cli.console import err
from geoalert.cli.orphan import WITH_PARENT, on_stop
from geoalert.errors import Unavailable
from geoalert.settings import Settings

WORKER = (sys.executable, "-m", "geoalert.cli.main", "worker", "--with-parent")
PAUSE = 1.0  # seconds before a worker that ended is started again
GRACE = 15.0


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, whose connections send at once: an answer goes out in two parts, and without this the second
    waits for the client's acknowledgement of the first, 40 ms on Linux. asyncio sees to it only where it binds itself.

    Raises:
        Unavailable: the port is taken, or the host is not this machine's.
    """
    try:
        bound = socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port") from None
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def serve(
    port: int = typer.Option(None, "--port", min=0, max=65_535, help="Default 8000, or GEOALERT_API_PORT."),
    host: str = typer.Option(None, "--host", help="Default 127.0.0.1, or GEOALERT_API_HOST."),
    with_parent: int = WITH_PARENT,
) -> None:
    """Answer on HTTP; the API's own description is at /docs."""
    settings = Settings()
    if port is not None:
        settings.api.port = port
    if host is not None:
        settings.api.host = host
    bound = listen(settings.api.host, settings.api.port)
    settings.api.port = bound.getsockname()[1]
    collect_traces("api")
    asyncio.run(_serve(settings, bound, with_parent))


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn raises them again when it has stopped, which would end us before our worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settle()

    def stop(self) -> None:
        self.should_exit = True


async def _serve(settings: Settings, bound: socket.socket, parent: int) -> None:
    async with open_house(settings) as house:
        await house.require_current()
        embedded = house.store.dialect == "sqlite"
    config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False, lifespan="on", ws="none")
    server = _Server(config)
    watching = on_stop(server.stop, parent)
    outdated = asyncio.create_task(until_outdated_at(settings))
    outdated.add_done_callback(lambda _: server.stop())
    keeper = asyncio.create_task(_keep_worker()) if embedded and settings.worker.supervise else None
    err.print(f"serving on http://{settings.api.host}:{settings.api.port}/docs")
    try:
        await server.serve(sockets=[bound])
    finally:
        watching.cancel()
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
    if outdated.done() and not outdated.cancelled():
        raise outdated.result()
    outdated.cancel()
    with suppress(asyncio.CancelledError):
        await outdated


async def _keep_worker() -> None:
    """Keeps one worker running; what it had in hand when it died comes back when its lease runs out."""
    child: asyncio.subprocess.Process | None = None
    try:
        while True:
            child = await asyncio.create_subprocess_exec(*WORKER, str(os.getpid()), stdin=asyncio.subprocess.DEVNULL)
            code = await child.wait()
            err.print(f"the worker ended with {code}; starting it again")
            await asyncio.sleep(PAUSE)
    finally:
        if child is not None and child.returncode is None:
            child.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), GRACE)
            if child.returncode is None:
                child.kill()
