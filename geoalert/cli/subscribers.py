"""`geoalert subscribers`: add one, import many, find, erase."""

from __future__ import annotations

import csv
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from types import MappingProxyType
from typing import Final

import typer

from geoalert.bootstrap import House
from geoalert.cli.console import err, out, print_json
from geoalert.cli.inside import acting, in_house
from geoalert.cli.pace import pace
from geoalert.cli.whole_file import whole_file
from geoalert.errors import Conflict, Invalid, NotFound
from geoalert.operations.look_up import NOBODY, look_up
from geoalert.store import database_now
from geoalert.subscribers import ImportReport, erase, import_file, register
from geoalert.subscribers.bring_in import Refused
from geoalert.subscribers.import_csv import parse_row
from geoalert.subscribers.person import READERS
from geoalert.subscribers.register import taken

app = typer.Typer(no_args_is_help=True)
TYPED: Final = MappingProxyType({"phone": "Phone number", "email": "E-mail address", "push_token": "Push token"})


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
        person = parse_row(row, house.desk.category_bits, known_wards(house), house.desk.city.config.bbox)
        async with house.store.writing() as session:
            if await taken(session, [person]):
                raise Conflict("this address is already subscribed")
            now = await database_now(session)
            reference = str(uuid.uuid4())
            await register(session, [person], "command line", [reference])
            return f"added on {now:%Y-%m-%d}, reference {reference}"

    out.print(in_house(run))


@app.command("import")
def import_(
    file: Path = typer.Argument(..., help="UTF-8 CSV; the columns are in the documentation."),
    refused: Path = typer.Option(None, "--refused", help="A CSV of the rows that were not added: line, field, reason."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Add every good row of a file, a thousand a commit. May be run again: who has subscribed is left as they are."""
    total = file.stat().st_size if file.is_file() else 0

    async def run(house: House, note: Callable[[Refused], None]) -> ImportReport:
        wards = known_wards(house)
        with pace(err, "importing", total) as tell:
            return await import_file(
                house.store,
                file,
                house.desk.category_bits,
                wards,
                house.desk.city.config.bbox,
                refused=note,
                progress=lambda so_far: tell(so_far.rows, so_far.read),
            )

    with _noting(refused) as note:
        report = in_house(lambda house: run(house, note))
    if as_json:
        counts = {name: getattr(report, name) for name in ("rows", "added", "known", "refused")}
        print_json(counts | {"first": [asdict(row) for row in report.first]})
        return
    out.print(f"{report.rows:,} rows: added {report.added:,}, known {report.known:,}, refused {report.refused:,}")
    if refused is None:
        for row in report.first:
            err.print(f"line {row.line}: {row.field}: {row.reason}", markup=False)
        more = report.known + report.refused - len(report.first)
        if more:
            err.print(f"and {more:,} more; --refused FILE takes them all")


@contextmanager
def _noting(path: Path | None) -> Iterator[Callable[[Refused], None]]:
    """Writes the rows that were not added as they are found: there can be as many as the file has."""
    if path is None:
        yield lambda _row: None
        return
    with whole_file(path, "/refused") as target:
        rows = csv.writer(target)
        rows.writerow(("line", "field", "reason"))
        yield lambda row: rows.writerow(astuple(row))


@app.command()
def find(by: str = typer.Option("phone", "--by", help=f"{', '.join(TYPED)}: what is asked for.")) -> None:
    """Say the reference of whoever subscribed by an address: typed, or on standard input, never on the command line.

    The question is written down, without the address.
    """
    if by not in TYPED:
        raise Invalid(f"one of {', '.join(TYPED)}", pointer="/by")
    channel, read = READERS[by]
    value = read(_typed(by))

    async def run(house: House) -> str | None:
        async with house.store.writing() as session:
            return await look_up(session, await acting(session), channel, value)

    reference = in_house(run)
    if reference is None:
        raise NotFound(NOBODY)
    out.print(reference)


def _typed(by: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(TYPED[by], err=True)).strip()
    line = sys.stdin.readline().strip()
    if not line:
        raise Invalid("type the address on a terminal, or write it to standard input", pointer=f"/{by}")
    return line


@app.command("erase")
def erase_(reference: str = typer.Argument(..., help="The subscriber's reference.")) -> None:
    """Forget a person: places, addresses and consents are deleted; totals stay."""

    async def run(house: House) -> None:
        async with house.store.writing() as session:
            await erase(session, reference, "command line")

    in_house(run)
    out.print("erased")
