"""`geoalert sandbox`: stand-ins for the providers, on loopback."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import typer

from geoalert.bootstrap import run_sandbox
from geoalert.cli.console import err
from geoalert.cli.orphan import WITH_PARENT, on_stop
from geoalert.cli.serve import listen

HOST = "127.0.0.1"


def sandbox(
    port: int = typer.Option(8900, "--port", min=0, max=65_535),
    credentials: Path = typer.Option(
        Path("var/sandbox.json"), help="Where to write its credentials; name it in GEOALERT_SANDBOX_CREDENTIALS."
    ),
    api: str = typer.Option("http://127.0.0.1:8000", help="Where simulated phones acknowledge."),
    account: list[str] = typer.Option(["pune"], help="Accounts it holds on its social network."),
    with_parent: int = WITH_PARENT,
) -> None:
    """Run FCM, Twilio and a social network's protocol locally, with an inbox to look into."""
    with listen(HOST, port) as bound:
        port = bound.getsockname()[1]
    credentials.parent.mkdir(parents=True, exist_ok=True)
    err.print(f"sandbox inbox: http://{HOST}:{port}/")

    async def run() -> None:
        serving = asyncio.create_task(run_sandbox(HOST, port, credentials, api, tuple(account)))
        watching = on_stop(serving.cancel, with_parent)
        with suppress(asyncio.CancelledError):
            await serving
        watching.cancel()

    asyncio.run(run())
