"""The import file: `phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent`.

`places` is `lat lon`, `ward:CODE` or `cell:LAT LON`, joined by `;`; other lists are joined by `|`; an empty field means
its default. Of `cell:LAT LON` only the rounded cell that holds the point is kept (`subscribers.rounded`).
A row without consent is kept, but hears only of emergencies. Every refused row is reported with its line and reason;
reasons never repeat a number or a place.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from geoalert.errors import Invalid
from geoalert.store import Store
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
from geoalert.subscribers.register import register, taken

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
GROUP = 1_000  # rows a commit: a stop in the middle leaves whole groups
NO = frozenset({"", "no", "false", "0"})
WRITTEN = "a place is written 'lat lon', 'ward:CODE' or 'cell:LAT LON'"


@dataclass(frozen=True, slots=True)
class Refused:
    line: int
    field: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    added: int = 0
    refused: list[Refused] = field(default_factory=list)


def parse_row(row: Mapping[str, str | None], categories: Mapping[str, int], wards: frozenset[str]) -> Person:
    """A person from one row.

    Raises:
        Invalid: names the column and the reason.
    """
    cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
    addresses = {channel: read(cell[column]) for column, (channel, read) in READERS.items() if cell[column]}
    places = _places(cell["places"], wards)
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


def _places(value: str, wards: frozenset[str]) -> list[Point | WardPlace | RoundedPlace]:
    pieces = filter(None, (piece.strip() for piece in value.split(";")))
    return [_place(piece, LABELS[min(number, len(LABELS) - 1)], wards) for number, piece in enumerate(pieces)]


def _place(written: str, label: str, wards: frozenset[str]) -> Point | WardPlace | RoundedPlace:
    kind, colon, rest = written.partition(":")
    if not colon:
        kind, rest = "", written
    if kind == "ward":
        code = rest.strip()
        if code not in wards:
            raise Invalid(f"no ward {code[:40]!r}", pointer="/places")
        return WardPlace(code, label)
    if kind not in {"", "cell"}:
        raise Invalid(WRITTEN, pointer="/places")
    try:
        lat, lon = (float(number) for number in rest.replace(",", " ").split())
    except ValueError:
        raise Invalid(WRITTEN, pointer="/places") from None
    return (round_off if kind else point)(lat, lon, label)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows with their line numbers.

    Raises:
        Invalid: not a UTF-8 CSV file with our columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, strict=True)
            unknown = set(reader.fieldnames or ()) - set(COLUMNS)
            if unknown or not reader.fieldnames or "places" not in reader.fieldnames:
                raise Invalid(f"the first line must name columns out of {','.join(COLUMNS)}", pointer="/header")
            for row in reader:
                yield reader.line_num, row
    except UnicodeDecodeError:
        raise Invalid("the file is not UTF-8; save it as CSV UTF-8", pointer="/file") from None
    except csv.Error as error:
        raise Invalid(f"not a CSV file: {error}", pointer="/file") from None
    except OSError as error:
        raise Invalid(f"cannot read the file: {error.strerror}", pointer="/file") from None


async def import_file(
    store: Store,
    path: Path,
    categories: Mapping[str, int],
    wards: frozenset[str],
    progress: Callable[[int], None] = lambda _rows: None,
) -> ImportReport:
    """Adds every good row, a thousand a commit; tells `progress` how many rows were read."""
    report = ImportReport()
    group: list[tuple[int, Person]] = []
    for line, row in read_rows(path):
        try:
            group.append((line, parse_row(row, categories, wards)))
        except Invalid as refusal:
            report.refused.append(Refused(line, refusal.pointer.removeprefix("/"), refusal.reason))
        if len(group) >= GROUP:
            await _commit(store, group, report)
            group = []
        progress(1)
    await _commit(store, group, report)
    report.refused.sort(key=lambda refused: refused.line)
    return report


async def _commit(store: Store, group: list[tuple[int, Person]], report: ImportReport) -> None:
    async with store.writing() as session:
        held = await taken(session, [person for _, person in group])
        fresh = []
        for line, person in group:
            theirs = set(person.addresses.items())
            if theirs & held:
                channel = next(iter(theirs & held))[0]
                report.refused.append(Refused(line, channel, "this address is already subscribed"))
                continue
            held |= theirs
            fresh.append(person)
        if fresh:
            await register(session, fresh, "import")
    report.added += len(fresh)
