"""`geoalert locate`: which zone, office and unit a point lies in, or every point of a file. Needs no store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TextIO
from zoneinfo import ZoneInfo

import typer

from geoalert.cli.console import err, out, print_json, progress_bar
from geoalert.cli.inside import held_city
from geoalert.cli.whole_file import whole_file
from geoalert.errors import Invalid
from geoalert.wards import Location, WardIndex, parse_point, to_json
from geoalert.wards import locate as find
from geoalert.wards.locate_csv import Tally, count_lines, locate_file

OPTION: Final = re.compile(r"-(-|[a-z](?!nf$|an$))", re.IGNORECASE)


def day(text: str | None, zone: str) -> date:
    """The date given, or the city's today.

    Raises:
        Invalid: not a date.
    """
    if text is None:
        return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("a date is written 2026-11-21", pointer="/at") from None


def locate(
    lat: str = typer.Argument(None, metavar="LAT", help="Latitude in degrees."),
    lon: str = typer.Argument(None, metavar="LON", help="Longitude in degrees."),
    at: str = typer.Option(None, "--at", help="The day asked about, e.g. 2023-05-01; today when not given."),
    csv_file: Path = typer.Option(None, "--csv", help="A UTF-8 CSV file: every row is answered."),
    lat_column: str = typer.Option(None, "--lat-column", help="Its column of latitudes; lat or latitude."),
    lon_column: str = typer.Option(None, "--lon-column", help="Its column of longitudes; lon, lng or longitude."),
    written: Path = typer.Option(None, "--out", help="Where to write the rows; standard output when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Say which zone, office and unit a point lies in, and how sure that is."""
    _refuse_misuse(lat, lon, csv_file, {"--out": written, "--lat-column": lat_column, "--lon-column": lon_column})
    if csv_file is not None:
        if as_json and written is None:
            raise typer.BadParameter("--json beside --csv needs --out for the rows")
        _locate_file(csv_file, written, (lat_column, lon_column), at, as_json=as_json)
        return
    city = held_city()
    x, y = parse_point(lat, lon, city.config.bbox)
    found = find(WardIndex(city.tree, city.config.note), x, y, day(at, city.config.timezone))
    if as_json:
        print_json(to_json(found))
        return
    out.print(_in_words(found))


def _in_words(found: Location) -> str:
    if found.office is None or found.zone is None or found.unit is None:
        lines = ["outside the city"]
        if found.other_office is not None:
            away = f"{found.other_office.name_en}, {found.metres_to_other_office:.0f} m away"
            lines.append(f"the nearest office, for information only: {away}")
    else:
        lines = [found.unit.name_en, f"{found.office.name_en} ({found.office.name_mr})", found.zone.name_en]
    if found.uncertain:
        lines.append(f"uncertain: another office is {found.metres_to_other_office:.0f} m away")
    return "\n".join([*lines, found.note])


def _refuse_misuse(lat: str | None, lon: str | None, file: Path | None, with_file: Mapping[str, object]) -> None:
    for text in (lat, lon):
        if text is not None and OPTION.match(text):
            raise typer.BadParameter(f"no such option: {text.partition('=')[0]}")
    if file is not None and lat is not None:
        raise typer.BadParameter("give a point or --csv, not both")
    if file is None and (lat is None or lon is None):
        raise typer.BadParameter("give LAT and LON, or --csv FILE")
    alone = [option for option, value in with_file.items() if file is None and value is not None]
    if alone:
        raise typer.BadParameter(f"{alone[0]} goes with --csv")


def _locate_file(
    source: Path, written: Path | None, columns: tuple[str | None, str | None], at: str | None, *, as_json: bool
) -> None:
    city = held_city()
    index = WardIndex(city.tree, city.config.note)
    on = day(at, city.config.timezone)
    lines = count_lines(source)
    if written is not None and written.exists() and written.samefile(source):
        raise Invalid("this is the file that is read; name another", pointer="/out")

    def refused(line: int, field: str, reason: str) -> None:
        err.print(f"line {line}: {field}: {reason}", markup=False)

    # Taken before the bar begins: on a terminal it puts itself before both streams.
    with _target(written) as target, progress_bar() as bar:
        task = bar.add_task("locating", total=lines)
        tally = locate_file(
            index,
            city.config.bbox,
            on,
            source,
            target,
            columns=columns,
            refused=refused,
            progress=lambda count: bar.advance(task, count),
        )
        bar.update(task, completed=lines)
    if as_json:
        print_json(
            asdict(tally) | {"on": on.isoformat(), "epoch": index.tree.epoch_on(on).label, "note": index.note_on(on)}
        )
    else:
        err.print(_words(tally))
        err.print(index.note_on(on))
    if tally.rows and tally.refused == tally.rows:
        raise Invalid("no row holds a point", pointer="/csv")


def _words(tally: Tally) -> str:
    return (
        f"{tally.rows} rows: {tally.inside} inside, {tally.outside} outside, {tally.refused} refused; "
        f"{tally.uncertain} within 50 m of another office"
    )


@contextmanager
def _target(written: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that is there only when it is whole."""
    if written is None:
        yield out.file  # type: ignore[misc]  # a console's file is a text stream
        return
    with whole_file(written, "/out") as target:
        yield target
