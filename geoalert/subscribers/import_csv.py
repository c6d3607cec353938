"""The import file: `phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent`.

`places` is `lat lon` or `ward:CODE`, joined by `;`; other lists are joined by `|`; an empty field means its default.
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
    READERS,
    Person,
    Point,
    WardPlace,
    category_bits,
    make_person,
    point,
    quiet_hours,
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
    points, ward_places = _places(cell["places"], wards)
    return make_person(
        addresses=addresses,
        points=points,
        wards=ward_places,
        channels=_list(cell["channels"]),
        language=cell["language"],
        categories=category_bits(_list(cell["categories"]), categories),
        min_severity=cell["min_severity"],
        quiet=quiet_hours(cell["quiet_hours"]) if cell["quiet_hours"] else None,
        consent="" if cell["consent"].lower() in NO else f"import:{cell['consent']}",
    )


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split("|") if part.strip()]


def _places(value: str, wards: frozenset[str]) -> tuple[list[Point], list[WardPlace]]:
    points: list[Point] = []
    ward_places: list[WardPlace] = []
    for number, part in enumerate(filter(None, (piece.strip() for piece in value.split(";")))):
        label = ("home", "work", "parents")[number] if number < 3 else "other"  # noqa: PLR2004 - the three we name
        if part.startswith("ward:"):
            code = part.removeprefix("ward:").strip()
            if code not in wards:
                raise Invalid(f"no ward {code[:40]!r}", pointer="/places")
            ward_places.append(WardPlace(code, label))
            continue
        try:
            lat, lon = (float(number) for number in part.replace(",", " ").split())
        except ValueError:
            raise Invalid("a place is written 'lat lon' or 'ward:CODE'", pointer="/places") from None
        points.append(point(lat, lon, label))
    return points, ward_places


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
