"""`geoalert subscribers`: add one, import many, erase."""

from __future__ import annotations

from pathlib import Path

import typer

from geoalert.bootstrap import House
from geoalert.cli.console import err, out, print_json, progress_bar
from geoalert.cli.inside import in_house
from geoalert.errors import Conflict
from geoalert.store import database_now
from geoalert.subscribers import ImportReport, erase, import_file, register
from geoalert.subscribers.import_csv import parse_row
from geoalert.subscribers.register import taken

app = typer.Typer(no_args_is_help=True)


def known_wards(house: House) -> frozenset[str]:
    """Every ward code a person may choose."""
    return frozenset(house.desk.city.tree.by_code)


@app.command()
def add(
    place: list[str] = typer.Option(..., "--place", help="'lat lon', 'ward:CODE' or 'cell:LAT LON'; repeatable."),
    phone: str = typer.Option("", prompt="Phone number (empty for none)", help="Asked for when not given."),
    push_token: str = typer.Option("", help="A device's push token."),
    language: str = typer.Option("", help="mr, hi or en."),
    categories: str = typer.Option("", help="Joined by |; all when not given."),
    channels: str = typer.Option("", help="In the person's order, joined by |."),
    min_severity: str = typer.Option("", help="Minor, Moderate, Severe or Extreme."),
    quiet_hours: str = typer.Option("", help="e.g. 22:00-06:30."),
    consent: str = typer.Option("", help="What the consent rests on, e.g. counter; without it, emergencies only."),
) -> None:
    """Add one person."""

    async def run(house: House) -> str:
        row = {
            "phone": phone,
            "push_token": push_token,
            "places": ";".join(place),
            "language": language,
            "categories": categories,
            "channels": channels,
            "min_severity": min_severity,
            "quiet_hours": quiet_hours,
            "consent": consent,
        }
        person = parse_row(row, house.desk.category_bits, known_wards(house))
        async with house.store.writing() as session:
            if await taken(session, [person]):
                raise Conflict("this address is already subscribed")
            now = await database_now(session)
            (number,) = await register(session, [person], "command line")
            return f"added on {now:%Y-%m-%d}, number {number}"

    out.print(in_house(run))


@app.command("import")
def import_(
    file: Path = typer.Argument(..., help="UTF-8 CSV; the columns are in the documentation."),
    refused: Path = typer.Option(None, "--refused", help="Where to write the refused rows with their reasons."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Add every good row of a file, a thousand a commit; report every refused one with its line and reason."""

    async def run(house: House) -> ImportReport:
        with progress_bar() as bar:
            task = bar.add_task("importing", total=None)
            return await import_file(
                house.store, file, house.desk.category_bits, known_wards(house), lambda n: bar.advance(task, n)
            )

    report = in_house(run)
    rows = [f"line {row.line}: {row.field}: {row.reason}" for row in report.refused]
    if refused is not None:
        refused.write_text("\n".join(rows) + "\n" * bool(rows), encoding="utf-8")
    if as_json:
        details = [{"line": row.line, "field": row.field, "reason": row.reason} for row in report.refused]
        print_json({"added": report.added, "refused": details})
        return
    out.print(f"added {report.added}, refused {len(rows)}")
    if refused is None:
        for row in rows:
            err.print(row, markup=False)


@app.command("erase")
def erase_(reference: str = typer.Argument(..., help="The subscriber's reference.")) -> None:
    """Forget a person: places, addresses and consents are deleted; totals stay."""

    async def run(house: House) -> None:
        async with house.store.writing() as session:
            await erase(session, reference, "command line")

    in_house(run)
    out.print("erased")
