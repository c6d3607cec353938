"""`geoalert db backup | restore | move`: keeping a store for years."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from geoalert.bootstrap import keeping
from geoalert.cli.console import err, out, progress_bar
from geoalert.settings import Settings
from geoalert.store.loading import Carried
from geoalert.store.parts import Progress


@contextmanager
def _bar() -> Iterator[Progress]:
    """Shown from the first rows on: a refusal before them stands alone."""
    bar = progress_bar()
    task = bar.add_task("", total=None)

    def done(table: str, rows: int, expected: int) -> None:
        bar.start()
        bar.update(task, description=table, completed=rows, total=max(rows, expected))

    try:
        yield done
    finally:
        if bar.live.is_started:
            bar.stop()


def backup(
    folder: Path = typer.Argument(..., help="A folder to make; never overwrites anything."),
    with_keys: bool = typer.Option(False, "--with-keys", help="Put the key file in, too: who has both reads all."),
) -> None:
    """Copy the store as it is at one moment, while server and workers go on."""
    with _bar() as bar:
        made = asyncio.run(keeping.back_up(Settings(), folder, bar, with_keys=with_keys))
    out.print(f"{folder}: {made.rows} rows of {len(made.parts)} tables, schema {made.schema_revision}", markup=False)
    for number, mark in made.keys.encryption.items():
        count = made.keys.sealed[number]
        if mark:
            out.print(f"key {number} seals {count} addresses")
        else:
            err.print(f"key {number} is missing here: {count} addresses cannot be read, in this store and in the copy")
    out.print(
        "the keys are in it; keep it as you keep them" if with_keys else "the keys are not in it; keep them apart"
    )


def restore(
    folder: Path = typer.Argument(..., help="What `geoalert db backup` made."),
    replace: bool = typer.Option(False, "--replace", help="Also where there are rows: a file is set aside."),
) -> None:
    """Make the configured store of a backup. Checks keys and every part before it writes anything."""
    with _bar() as bar:
        restored = asyncio.run(keeping.restore(Settings(), folder, bar, replace=replace))
    show(restored.carried)
    out.print(f"{restored.waiting} batches go on as soon as a worker starts")


def move(
    to: str = typer.Option(..., "--to", help="The empty store's address: postgresql://… or sqlite:///…"),
) -> None:
    """Carry the configured store to another of either kind; compares every table. The old one is only read."""
    with _bar() as bar:
        carried = asyncio.run(keeping.move(Settings(), to, bar))
    show(carried)
    out.print("name the new store in GEOALERT_STORE_URL, with the same key file; start nothing on the old one again")


def show(carried: Sequence[Carried]) -> None:
    """What was compared, table by table: rows, and the first digits of the SHA-256 over them."""
    for each in carried:
        out.print(f"{each.table:<18}{each.held.rows:>10}  {each.held.content[:16]}  equal", markup=False)
    out.print(f"{sum(each.held.rows for each in carried)} rows of {len(carried)} tables, all equal")
