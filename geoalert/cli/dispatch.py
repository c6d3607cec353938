"""`geoalert dispatch`: what waits and why, holding it, and letting it go on."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import typer
from pydantic import TypeAdapter
from rich.table import Table

from geoalert.alerts import find_alert
from geoalert.bootstrap import House
from geoalert.cli.console import err, out, print_json
from geoalert.cli.inside import in_house
from geoalert.dispatch.again import try_again
from geoalert.dispatch.carrier import ANY_MESSAGE, ANYWHERE
from geoalert.dispatch.halts import halt, lift
from geoalert.dispatch.overview import Overview, overview, work_left
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.reasons import Reason
from geoalert.errors import NotFound

app = typer.Typer(no_args_is_help=True)
BY = "command line"
LOOK_EVERY = 0.5  # seconds
PROVIDER = typer.Option(None, "--provider", help="One provider; all of them when not given.")


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="One JSON document.")) -> None:
    """What is wrong now; what waits, for how long and why; what stands still; how each provider is, and whether it
    carried the last daily message to staff.
    """

    async def run(house: House) -> Overview:
        async with house.store.reading() as session:
            return await overview(session, house.channels.values())

    found = in_house(run)
    if as_json:
        print_json(TypeAdapter(Overview).dump_python(found, mode="json"))
        return
    for title, rows in (
        ("alarms", found.alarms),
        ("batches", found.batches),
        ("due and in nobody's hands", found.queues),
        ("set aside until somebody acts", found.set_aside),
        ("stands still until somebody acts", found.halts),
        ("providers", found.providers),
        ("the last daily message to staff", found.staff),
    ):
        if rows:
            shown = [asdict(row) for row in rows]
            table = Table(*shown[0], title=title, title_justify="left")
            for row in shown:
                table.add_row(*(_plain(value) for value in row.values()))
            out.print(table)


@app.command()
def pause(
    provider: str = PROVIDER,
    emergencies: bool = typer.Option(False, "--emergencies", help="Hold Extreme and Severe messages, too."),
) -> None:
    """Hold what has not left, until `resume`; what is in a provider's hands ends. Messages of a paused provider go
    through another of the same channel where there is one. The audit shows that it was done.
    """

    async def run(house: House) -> bool:
        _known(house, provider)
        async with house.store.writing() as session:
            return await halt(session, provider or ANYWHERE, ANY_MESSAGE, Reason.PAUSED, BY, emergencies=emergencies)

    held = in_house(run)
    what = provider or "everything" if emergencies else f"routine work{f' of {provider}' if provider else ''}"
    out.print(f"{what} is held; geoalert dispatch resume lets it go on" if held else f"{what} stood still already")


@app.command()
def resume(provider: str = PROVIDER) -> None:
    """Let what stood still go on, and queue again what was set aside for want of a provider or a working credential,
    once that is mended. Posts that wait for the cell stay where they are. The audit shows that it was done.
    """

    async def run(house: House) -> int:
        _known(house, provider)
        async with house.store.writing() as session:
            await lift(session, BY, provider)
            queued = await resume_parked(session, house.desk.routes, BY)
            await house.desk.engine.enqueue(session, queued)
            return len(queued)

    out.print(f"{in_house(run)} batches go on")


@app.command()
def retry(
    alert: str = typer.Argument(help="The alert's identifier."),
    uncertain: bool = typer.Option(
        False,
        "--uncertain",
        help="Also those of whom nobody knows: some may be told twice.",
    ),
) -> None:
    """Try again what was set aside of one alert. The audit shows that it was done."""

    async def run(house: House) -> int:
        async with house.store.writing() as session:
            found = await find_alert(session, alert, lock=True)
            queued = await try_again(session, found, house.desk.routes, BY, uncertain=uncertain)
            await house.desk.engine.enqueue(session, queued)
            return len(queued)

    out.print(f"{in_house(run)} batches are tried again")


@app.command()
def drain(timeout: float = typer.Option(600.0, min=0.0, help="Seconds to wait at most.")) -> None:
    """Wait until nothing is due and nothing is in a worker's hands. Stops nobody: pause first, or stop sending."""

    async def run(house: House) -> tuple[int, int]:
        clock = asyncio.get_running_loop().time
        ends = clock() + timeout
        while True:
            async with house.store.reading() as session:
                left = await work_left(session)
            if not left[0] or clock() >= ends:
                return left
            err.print(f"{left[0]} batches with {left[1]} recipients to go")
            await asyncio.sleep(LOOK_EVERY)

    batches, recipients = in_house(run)
    if batches:
        err.print(f"{batches} batches with {recipients} recipients are left after {timeout:g} s")
        raise typer.Exit(1)
    out.print("nothing is left to carry now")


def _known(house: House, provider: str | None) -> None:
    """Refuses a provider that is not there: what it holds would hold nothing."""
    if provider is not None and provider not in house.channels:
        there = ", ".join(sorted(house.channels)) or "none"
        raise NotFound(f"no provider {provider!r} is configured; there are: {there}", pointer="/provider")


def _plain(value: object) -> str:
    return "" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
