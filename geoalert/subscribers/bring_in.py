"""Bringing in a file of people: any number of rows in the memory of a few thousand, a thousand rows a commit.

A stop at any moment leaves whole groups, and the file can be brought in again: a row of which somebody has an address
already, in the store or further up in the file, changes nothing and is reported as known. An import never changes
anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from geoalert.errors import Invalid
from geoalert.store import Store
from geoalert.subscribers.import_csv import Row, parse_row, read_rows
from geoalert.subscribers.person import READERS, Person
from geoalert.subscribers.register import register, taken
from geoalert.wards.config import Bbox

GROUP: Final = 1_000  # rows a commit
LISTED: Final = 20  # refusals that the report itself names
SLICE: Final = 25  # rows checked before the writer has its turn
TRIES: Final = 3  # of a group: somebody else may sign up with one of its addresses at this moment
LOCK: Final = 7264  # PostgreSQL advisory lock: one group of an import at a time; sign-ups do not ask for it
COLUMN_OF: Final = {channel: column for column, (channel, _) in READERS.items()}
KNOWN: Final = "already subscribed: nothing was changed"


@dataclass(frozen=True, slots=True)
class Refused:
    line: int
    field: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """`rows` = `added` + `known` + `refused`; `first` are the first of those that were not added."""

    rows: int = 0
    added: int = 0
    known: int = 0
    refused: int = 0
    read: int = 0  # bytes of the file, at least
    first: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    people: list[tuple[int, Person]] = field(default_factory=list)
    faults: list[Refused] = field(default_factory=list)
    read: int = 0


async def import_file(
    store: Store,
    path: Path,
    categories: Mapping[str, int],
    wards: frozenset[str],
    city: Bbox,
    *,
    refused: Callable[[Refused], None] = lambda _row: None,
    progress: Callable[[ImportReport], None] = lambda _so_far: None,
) -> ImportReport:
    """Adds every good row. Each that was not added is told to `refused`, in the order of the file, once its group is
    committed; `progress` hears of every committed group.

    Raises:
        Invalid: not our CSV; what was committed before stays.
    """
    report = ImportReport()
    with closing(read_rows(path)) as rows:
        group = await _next_group(rows, categories, wards, city)
        while group is not None:
            writing = asyncio.create_task(_add(store, group.people))
            try:
                following = await _next_group(rows, categories, wards, city)  # while the store writes
            finally:
                added, known = await writing
                _count(report, group, added, known, refused)
                progress(report)
            group = following
    return report


def _count(
    report: ImportReport, group: _Group, added: int, known: list[Refused], refused: Callable[[Refused], None]
) -> None:
    report.rows += added + len(known) + len(group.faults)
    report.added, report.known = report.added + added, report.known + len(known)
    report.refused, report.read = report.refused + len(group.faults), group.read
    for row in sorted([*group.faults, *known], key=lambda row: row.line):
        if len(report.first) < LISTED:
            report.first.append(row)
        refused(row)


async def _next_group(
    rows: Iterator[Row], categories: Mapping[str, int], wards: frozenset[str], city: Bbox
) -> _Group | None:
    """The next rows, checked a few at a time: in between, what is being written goes on. A thread would not be faster:
    it takes Python from the writer at every value that is encrypted.
    """
    group = None
    for count, row in enumerate(islice(rows, GROUP)):
        group = group or _Group()
        group.read = row.read
        try:
            group.people.append((row.line, parse_row(row.cells, categories, wards, city)))
        except Invalid as fault:
            group.faults.append(Refused(row.line, fault.pointer.removeprefix("/"), fault.reason))
        if count % SLICE == 0:
            await asyncio.sleep(0)
    return group


async def _add(store: Store, people: list[tuple[int, Person]]) -> tuple[int, list[Refused]]:
    for left in reversed(range(TRIES)):
        try:
            return await _commit(store, people)
        except IntegrityError:
            if not left:
                raise
    raise AssertionError


async def _commit(store: Store, people: list[tuple[int, Person]]) -> tuple[int, list[Refused]]:
    fresh, known = [], []
    async with store.writing() as session:
        if store.dialect != "sqlite":  # two files of the same people would collide at every try
            await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        held = await taken(session, [person for _, person in people])
        for line, person in people:
            theirs = set(person.addresses.items())
            if theirs & held:
                known.append(Refused(line, COLUMN_OF[min(theirs & held)[0]], KNOWN))
                continue
            held |= theirs
            fresh.append(person)
        if fresh:
            await register(session, fresh, "import")
    return len(fresh), known
