"""`geoalert db`: the store and its schema."""

from __future__ import annotations

from pathlib import Path

import typer

from geoalert.bootstrap import House, metadata
from geoalert.cli import keeping
from geoalert.cli.console import out
from geoalert.cli.inside import in_house
from geoalert.errors import Conflict
from geoalert.store.keys import new_keys, write_keys
from geoalert.store.migrations import differences

app = typer.Typer(no_args_is_help=True)
app.command()(keeping.backup)
app.command()(keeping.restore)
app.command()(keeping.move)


@app.command()
def upgrade() -> None:
    """Bring the store to this program's schema; load the city and its departments. Safe to repeat."""

    async def run(house: House) -> None:
        await house.upgrade()
        out.print(f"the {house.store.dialect} store is up to date")

    in_house(run, current=False, create=True)


@app.command("new-keys")
def make_keys(path: Path = typer.Argument(..., help="The key file to write; never overwrites one.")) -> None:
    """Make the keys a store seals addresses with. Keep a copy elsewhere: without them no address can be read."""
    try:
        write_keys(path, new_keys())
    except FileExistsError:
        raise Conflict(f"{path} is there already; a new ring would make every sealed address unreadable") from None
    out.print(f"wrote {path}")


@app.command()
def check() -> None:
    """Compare the store's schema with what this program expects."""

    async def run(house: House) -> None:
        await house.require_current()
        found = await differences(house.store, metadata())
        if found:
            raise Conflict(f"the schema differs: {'; '.join(found)}")
        out.print(f"the {house.store.dialect} store is at this program's schema")

    in_house(run, current=False)
