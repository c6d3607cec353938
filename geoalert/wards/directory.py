"""The directory of ward offices: where each is, and which number a person is told to call.

A number of a listing is shown as what it is. The number to call is the office's own only while somebody has verified
it; until then, and a year after, the city's helpline stands in. That rule is `contact` and nothing goes around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal

from geoalert.errors import Invalid
from geoalert.languages import LANGUAGES, Language
from geoalert.wards.config import Bbox
from geoalert.wards.csv_rows import read_rows
from geoalert.wards.point import parse_point

FILE: Final = "directory.csv"
ADDRESSES: Final[Mapping[Language, str]] = {language: f"address_{language}" for language in LANGUAGES}
COLUMNS: Final = (
    "office_code",
    *ADDRESSES.values(),
    "phone",
    "hours",
    "officer",
    "lat",
    "lon",
    "source",
    "verified",
    "doubt",
)
PHONE: Final = re.compile(r"\+?\d[\d -]{5,18}\d")
VERIFIED_FOR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is listed of an office; what is not known is empty. `officer` is one whose name is public.

    `at` is (lon, lat). `verified` is the day on which somebody made sure of address and number; `doubt` says what is
    known to be odd.
    """

    office_code: str
    address: Mapping[Language, str]
    phone: str
    hours: str
    officer: str
    at: tuple[float, float] | None
    source: str
    verified: date | None
    doubt: str

    def holds(self, on: date) -> bool:
        """Whether it may be relied on that day."""
        return self.verified is not None and self.verified <= on < self.verified + VERIFIED_FOR


@dataclass(frozen=True, slots=True)
class Contact:
    """The number to call about an office, and whose it is."""

    phone: str
    whose: Literal["office", "city"]


Directory = Mapping[str, Entry]


def contact(entry: Entry | None, helpline: str, on: date) -> Contact:
    """The office's own number where it is verified, the city's helpline everywhere else."""
    if entry is not None and entry.phone and entry.holds(on):
        return Contact(entry.phone, "office")
    return Contact(helpline, "city")


def load_directory(folder: Path, bbox: Bbox) -> Directory:
    """The entries of `folder/directory.csv` by office; none where a city keeps no such file.

    Raises Invalid naming the line for wrong columns, a repeated office, a number that is none, a point that is none,
    and a verified entry that does not say its source.
    """
    path = folder / FILE
    entries: dict[str, Entry] = {}
    for where, cells in read_rows(path, COLUMNS) if path.is_file() else ():
        entry = _entry(cells, where, bbox)
        if entry.office_code in entries:
            raise Invalid(f"{where}: {entry.office_code} is there already")
        entries[entry.office_code] = entry
    return entries


def _entry(cell: Mapping[str, str], where: str, bbox: Bbox) -> Entry:
    if not cell["office_code"]:
        raise Invalid(f"{where}: office_code is empty")
    if cell["phone"] and not PHONE.fullmatch(cell["phone"]):
        raise Invalid(f"{where}: phone is not a number to call")
    try:
        verified = date.fromisoformat(cell["verified"]) if cell["verified"] else None
    except ValueError:
        raise Invalid(f"{where}: verified is a date such as 2026-11-21, or empty") from None
    if verified is not None and not cell["source"]:
        raise Invalid(f"{where}: a verified entry says its source")
    at = None
    if cell["lat"] or cell["lon"]:
        try:
            at = parse_point(cell["lat"], cell["lon"], bbox)
        except Invalid as wrong:
            raise Invalid(f"{where}: {wrong.reason}") from None
    return Entry(
        office_code=cell["office_code"],
        address={language: cell[column] for language, column in ADDRESSES.items()},
        phone=cell["phone"],
        hours=cell["hours"],
        officer=cell["officer"],
        at=at,
        source=cell["source"],
        verified=verified,
        doubt=cell["doubt"],
    )
