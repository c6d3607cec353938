"""`geoalert audit`: the record of who did what."""

from __future__ import annotations

import typer

from geoalert.audit import verify as walk
from geoalert.bootstrap import House
from geoalert.cli.console import out
from geoalert.cli.inside import in_house
from geoalert.errors import Conflict

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """The record of who did what."""


@app.command()
def verify() -> None:
    """Walk the chain. Keep the head it prints: only against a kept head can a cut end be seen."""

    async def run(house: House) -> str:
        count, head, broken = await walk(house.store)
        if broken is not None:
            raise Conflict(f"entry {broken.number} {broken.reason}")
        return f"{count} entries, unbroken; head {head}"

    out.print(in_house(run))
