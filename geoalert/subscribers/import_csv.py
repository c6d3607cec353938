"""The import file: `phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent`.

`places` is `lat lon`, `ward:CODE` or `cell:LAT LON`, joined by `;`; other lists are joined by `|`; an empty field means
its default. Of `cell:LAT LON` only the rounded cell that holds the point is kept (`subscribers.rounded`).
A row without consent is kept, but hears only of emergencies. A row with more fields than the first line is refused:
what they say may stand in the wrong columns. Reasons repeat nothing of a row, for a number or a name can stand in any
of its columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.subscribers.person import (
    LABELS,
    READERS,
    Person,
    Point,
    RoundedPlace,
    WardPlace,
    category_bits,
    make_person,
    point,
    quiet_hours,
    round_off,
)
from geoalert.wards.config import Bbox

COLUMNS = (
    "phone",
    "email",
    "push_token",
    "places",
    "language",
    "categories",
    "channels",
    "min_severity",
    "quiet_hours",
    "consent",
)
SURPLUS = "(beyond the last column)"
NO = frozenset({"", "no", "false", "0"})
WRITTEN = "a place is written 'lat lon', 'ward:CODE' or 'cell:LAT LON'"


def parse_row(
    row: Mapping[str, str | None], categories: Mapping[str, int], wards: frozenset[str], city: Bbox
) -> Person:
    """A person from one row; the city's box says which places an alert can reach.

    Raises:
        Invalid: names the column and the reason, and repeats nothing of what the row says.
    """
    if SURPLUS in row:
        raise Invalid("the row has more fields than the first line; is a comma not quoted?", pointer="/row")
    cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if any("\n" in value or "\r" in value for value in cell.values()):
        raise Invalid("a field goes over several lines; is a quotation mark not closed?", pointer="/row")
    addresses = {channel: read(cell[column]) for column, (channel, read) in READERS.items() if cell[column]}
    places = _places(cell["places"], wards, city)
    return make_person(
        addresses=addresses,
        points=[place for place in places if isinstance(place, Point)],
        wards=[place for place in places if isinstance(place, WardPlace)],
        rounded=[place for place in places if isinstance(place, RoundedPlace)],
        channels=_list(cell["channels"]),
        language=cell["language"],
        categories=category_bits(_list(cell["categories"]), categories),
        min_severity=cell["min_severity"],
        quiet=quiet_hours(cell["quiet_hours"]) if cell["quiet_hours"] else None,
        consent="" if cell["consent"].lower() in NO else f"import:{cell['consent']}",
    )


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split("|") if part.strip()]


def _places(value: str, wards: frozenset[str], city: Bbox) -> list[Point | WardPlace | RoundedPlace]:
    pieces = filter(None, (piece.strip() for piece in value.split(";")))
    return [_place(piece, LABELS[min(number, len(LABELS) - 1)], wards, city) for number, piece in enumerate(pieces)]


def _place(written: str, label: str, wards: frozenset[str], city: Bbox) -> Point | WardPlace | RoundedPlace:
    kind, colon, rest = written.partition(":")
    if not colon:
        kind, rest = "", written
    if kind == "ward":
        code = rest.strip()
        if code not in wards:
            raise Invalid("there is no such ward", pointer="/places")
        return WardPlace(code, label)
    if kind not in {"", "cell"}:
        raise Invalid(WRITTEN, pointer="/places")
    try:
        lat, lon = rest.replace(",", " ").split()
    except ValueError:
        raise Invalid(WRITTEN, pointer="/places") from None
    return (round_off if kind else point)(lat, lon, city, label)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file; `read` is how many bytes of the file have been read, at least, to have it."""

    line: int
    cells: Mapping[str, str | None]
    read: int


def read_rows(path: Path) -> Generator[Row]:
    """Rows, one at a time.

    Raises:
        Invalid: not a UTF-8 CSV file with our columns; how far it was one.
    """
    line = 0
    try:
        # Opened as bytes: how far we are can be asked of them, and of decoded text cannot.
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as source:
            reader: csv.DictReader[str] = csv.DictReader(source, restkey=SURPLUS, strict=True)
            unknown = set(reader.fieldnames or ()) - set(COLUMNS)
            named = list(reader.fieldnames or ())
            if unknown or "places" not in named or len(named) > len(set(named)):
                raise Invalid(
                    f"the first line must name columns out of {','.join(COLUMNS)}, each once", pointer="/header"
                )
            tells = raw.seekable()
            for cells in reader:
                line = reader.line_num
                yield Row(line, cells, raw.tell() if tells else 0)
    except UnicodeDecodeError:
        raise Invalid(f"the file is not UTF-8 after line {line}; save it as CSV UTF-8", pointer="/file") from None
    except csv.Error as error:
        raise Invalid(f"not a CSV file after line {line}: {error}", pointer="/file") from None
    except OSError as error:
        raise Invalid(f"cannot read the file: {error.strerror}", pointer="/file") from None
