"""Where the points of a CSV file are: the same rows in the same order, with the answer in columns at the end.

The file is read and written row by row, so its length does not matter. It is read through once beforehand: a file that
is not UTF-8 is refused before anything is written. No reason repeats a coordinate: a row may be somebody's home.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

from geoalert.errors import Invalid
from geoalert.wards.config import Bbox
from geoalert.wards.index import WardIndex
from geoalert.wards.locate import Location, locate
from geoalert.wards.point import parse_point

LATITUDES: Final = ("lat", "latitude")
LONGITUDES: Final = ("lon", "lng", "long", "longitude")
ADDED: Final = (
    "ward_zone_code",
    "ward_office_code",
    "ward_office",
    "ward_unit_code",
    "ward_unit",
    "ward_outside",
    "ward_uncertain",
    "ward_metres_to_other_office",
    "ward_refused",
)
SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}  # of other programs' files
BLOCK: Final = 1 << 20
TOLD_EVERY: Final = 500  # rows


@dataclass(slots=True)
class Tally:
    rows: int = 0
    inside: int = 0
    outside: int = 0
    uncertain: int = 0
    refused: int = 0


def count_lines(path: Path) -> int:
    """How many lines the file has.

    Raises:
        Invalid: not a file, empty, or not UTF-8; names the first line that is not.
    """
    if not path.is_file():
        raise Invalid("there is no such file", pointer="/csv")
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 0
    last = b""
    with path.open("rb") as source:
        for block in chain(iter(lambda: source.read(BLOCK), b""), [b""]):
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as wrong:
                lines += block[: wrong.start].count(b"\n")
                raise Invalid(
                    f"line {lines + 1} is not UTF-8 (Windows-1252, perhaps); save the file as CSV UTF-8", pointer="/csv"
                ) from None
            lines += block.count(b"\n")
            last = block or last
    if not last:
        raise Invalid("the file is empty", pointer="/csv")
    return lines + (not last.endswith(b"\n"))


def locate_file(
    index: WardIndex,
    bbox: Bbox,
    on: date,
    source: Path,
    target: TextIO,
    *,
    columns: tuple[str | None, str | None] = (None, None),
    refused: Callable[[int, str, str], None] = lambda _line, _field, _reason: None,
    progress: Callable[[int], None] = lambda _lines: None,
) -> Tally:
    """Writes every row of `source` with where it is on that day; tells `refused` the line, column and reason.

    `columns` are the names of latitude and longitude; found by their usual names when not given. A refused row is
    written too, with its reason, so that rows can still be counted.

    Raises:
        Invalid: not UTF-8, not CSV, or without these columns; also for a day that is not held.
    """
    count_lines(source)
    index.period(on)
    tally = Tally()
    writer = csv.writer(target, lineterminator="\n")
    with source.open(encoding="utf-8-sig", newline="") as text:
        rows = _rows(text)
        header = next(rows, (1, []))[1]
        lat, lon = _columns(header, columns)
        writer.writerow([*header, *ADDED])
        told = 0
        for line, cells in rows:
            tally.rows += 1
            kept = (cells + [""] * len(header))[: len(header)]
            try:
                _as_long_as(header, cells)
                answer = _answer(locate(index, *parse_point(kept[lat], kept[lon], bbox), on), tally)
            except Invalid as wrong:
                tally.refused += 1
                named = {"/lat": header[lat], "/lon": header[lon]}
                refused(line, named.get(wrong.pointer, "row"), wrong.reason)
                answer = [*[""] * (len(ADDED) - 1), wrong.reason]
            writer.writerow([*kept, *answer])
            if tally.rows % TOLD_EVERY == 0:
                progress(line - told)
                told = line
    return tally


def _as_long_as(header: Sequence[str], cells: Sequence[str]) -> None:
    if len(cells) > len(header):
        raise Invalid("the row has more cells than the header", pointer="/row")


def _answer(found: Location, tally: Tally) -> list[object]:
    tally.inside += found.inside
    tally.outside += found.outside
    tally.uncertain += found.uncertain
    metres = found.metres_to_other_office
    return [
        found.zone.code if found.zone else "",
        found.office.code if found.office else "",
        found.office.name_en if found.office else "",
        found.unit.code if found.unit else "",
        found.unit.name_en if found.unit else "",
        "yes" if found.outside else "no",
        "yes" if found.uncertain else "no",
        "" if metres is None else round(metres, 1),
        "",
    ]


def _rows(text: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins on."""
    reader = csv.reader(text, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as wrong:
        raise Invalid(f"line {line}: not CSV: {wrong}", pointer="/csv") from None


def _columns(header: Sequence[str], wanted: tuple[str | None, str | None]) -> tuple[int, int]:
    taken = [name for name in ADDED if name in header]
    if taken:
        raise Invalid(f"the file has a column {taken[0]} already; rename it", pointer="/csv")
    for sign, name in SEPARATORS.items():
        if len(header) == 1 and sign in header[0]:
            raise Invalid(f"the first line is separated by {name}; save the file with commas", pointer="/csv")
    return (
        _column(header, wanted[0], LATITUDES, "--lat-column"),
        _column(header, wanted[1], LONGITUDES, "--lon-column"),
    )


def _column(header: Sequence[str], wanted: str | None, usual: Sequence[str], option: str) -> int:
    names = (wanted.strip().lower(),) if wanted else usual
    found = [place for place, name in enumerate(header) if name.strip().lower() in names]
    if len(found) != 1:
        trouble = "has no column" if not found else "has more than one column"
        raise Invalid(f"the first line {trouble} {' or '.join(names)}; name it with {option}", pointer="/csv")
    return found[0]
