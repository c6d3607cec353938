"""`geoalert wards import`, `diff` and `epochs`: versions of the tree that follow each other."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from geoalert.bootstrap import House, city_folder, city_of
from geoalert.cli.console import err, out, print_json
from geoalert.cli.extra import with_extra
from geoalert.cli.inside import in_house
from geoalert.cli.locate import day
from geoalert.operations.wards_diff import WardsDiff
from geoalert.operations.wards_diff import wards_diff as find_difference
from geoalert.operations.wards_withdraw import withdraw as take_back
from geoalert.settings import Settings
from geoalert.wards.epochs import Begun, Origin, Withdrawn, import_epoch, read_epochs
from geoalert.wards.tables import EpochRow

BY = "command line"


def import_(
    files: list[Path] = typer.Argument(..., help="GeoJSON, GeoPackage, Shapefile (also zipped) or KML; all one epoch."),
    city: str = typer.Option(None, "--city", help="The city's key; the configured one when not given."),
    epoch: str = typer.Option(None, "--epoch", help="Its label, such as 2026; that of city.toml when not given."),
    valid_from: str = typer.Option(None, "--valid-from", help="The first day on which it holds."),
    note: str = typer.Option(None, "--note", help="What must be said with every answer of this epoch."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Take a version of the wards into the store: whole, or not at all with the feature and place that is wrong.

    What can be repaired without moving ground is repaired and listed. Needs geoalert[wards].
    """
    settings = Settings()
    settings.city.key = city or settings.city.key
    module = with_extra("geoalert.wards.imported", "importing")
    packaged = city_of(settings)
    since = None if valid_from is None else day(valid_from, packaged.config.timezone)
    found = module.read_epoch(files, city_folder(settings), epoch, since, note)
    module.require_sound(found)
    origin = Origin(", ".join(path.name for path in files), found.sha256)

    async def run(house: House) -> Begun:
        async with house.store.writing() as session:
            return await import_epoch(session, packaged, found.tree, origin, BY)

    begun = in_house(run, settings=settings)
    held = begun.epoch
    if as_json:
        ends = held.valid_to and held.valid_to.isoformat()
        period = {"valid_from": held.valid_from.isoformat(), "valid_to": ends}
        print_json(
            {"city": settings.city.key, "epoch": held.label, **period, "wards": begun.counts}
            | {"closed": begun.closed, "repairs": found.repairs, "sha256": found.sha256}
        )
        return
    for what, count in found.repairs.items():
        err.print(f"repaired: {what}: {count}")
    counts = ", ".join(f"{begun.counts.get(level, 0)} {level}s" for level in ("zone", "office", "unit"))
    out.print(f"{settings.city.key} {held.label}: {counts}, in force from {held.valid_from}")
    out.print(f"{begun.closed} records of earlier epochs end on that day")


def diff(
    before: str = typer.Argument(..., metavar="A", help="An epoch's label."),
    after: str = typer.Argument(..., metavar="B", help="Another's."),
    city: str = typer.Option(None, "--city", help="The city's key; the configured one when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List what moves between two epochs: ground between offices, offices renamed, split, merged, gone or new, and
    how many people change office. Totals only.
    """
    settings = Settings()
    settings.city.key = city or settings.city.key

    async def run(house: House) -> WardsDiff:
        async with house.store.reading() as session:
            return await find_difference(session, house.desk, before, after)

    found = in_house(run, settings=settings)
    if as_json:
        print_json(found.document())
        return
    changes = Table("office", f"in {found.before}", f"in {found.after}", title=f"{found.on[0]} against {found.on[1]}")
    for change in found.difference.changes:
        if change.fate != "same":
            changes.add_row(change.fate, Text(", ".join(change.before)), Text(", ".join(change.after)))
    out.print(changes)
    moved = Table("ground moves from", "to", "km2")
    for row in found.difference.moved:
        moved.add_row(Text(row.before or "outside"), Text(row.after or "outside"), f"{row.km2:.3f}")
    out.print(moved)
    same = Counter(change.fate for change in found.difference.changes)["same"]
    out.print(f"{same} offices stay as they are")
    out.print(f"{found.people} people change office, {found.perhaps} with a rounded cell may")
    out.print(f"{found.ward_places} ward places are of wards that ended")


def withdraw(
    epoch: str = typer.Argument(..., help="Its label."),
    city: str = typer.Option(None, "--city", help="The city's key; the configured one when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Take back an epoch that was imported by mistake and does not hold yet. What it had ended goes on."""
    settings = Settings()
    settings.city.key = city or settings.city.key

    async def run(house: House) -> Withdrawn:
        async with house.store.writing() as session:
            return await take_back(session, house.desk, epoch, BY)

    gone = in_house(run, settings=settings)
    if as_json:
        since = gone.epoch.valid_from.isoformat()
        print_json({"city": settings.city.key, "epoch": epoch, "valid_from": since, "opened": gone.opened})
        return
    out.print(f"{epoch} is withdrawn; {gone.opened} records of earlier epochs go on", markup=False)


def epochs(
    city: str = typer.Option(None, "--city", help="The city's key; the configured one when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List the epochs the store holds."""
    settings = Settings()
    settings.city.key = city or settings.city.key

    async def run(house: House) -> list[EpochRow]:
        async with house.store.reading() as session:
            return list(await read_epochs(session, settings.city.key))

    held = in_house(run, settings=settings)
    if as_json:
        print_json([_document(row) for row in held])
        return
    for row in held:
        out.print(f"{row.label:8} {_period(row.valid_from, row.valid_to)}  {row.source}  {row.note}", markup=False)


def _period(first: date, end: date | None) -> str:
    return f"{first} to {end}" if end else f"from {first}"


def _document(row: EpochRow) -> dict[str, object]:
    return {
        "epoch": row.label,
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to and row.valid_to.isoformat(),
        "source": row.source,
        "sha256": row.sha256,
        "note": row.note,
        "imported_at": row.imported_at.isoformat(),
    }
