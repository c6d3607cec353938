"""The counts of a preview, from arrays of people; rounded one by one where they are to be coarse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert.audience import LEFT_OUT, Divided, Members, Ruled
from geoalert.audience.choosing import reached
from geoalert.dispatch.recipients import Recipients
from geoalert.operations.coarse import rounded
from geoalert.operations.offices import ByOffice
from geoalert.subscribers.codes import CHANNEL_NAMES, LANGUAGE_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELSEWHERE: Final = "elsewhere"
CODES: Final = 16  # channel and language codes are smaller
Table = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class OfficeRow:
    """`office` is the English name; a place outside every office, a zone or a rounded cell is `elsewhere`."""

    office_code: str | None
    office: str
    channel: str
    language: str
    people: int


@dataclass(frozen=True, slots=True)
class Totals:
    """As in `preview.Preview`."""

    people: int
    inside: int
    held: int
    may_be_affected: int
    told_before: int


@dataclass(frozen=True)
class Figures:
    """Counts over those found and how the rules tell them."""

    found: Divided
    ruled: Ruled
    offices: ByOffice
    exact: bool
    before: Recipients  # whom else an update goes to, for they heard of it before: none of those the rules tell

    def totals(self) -> Totals:
        told = self.ruled.told
        members = self.ruled.members
        # By person: their first entry is as their others, for quiet hours are the person's.
        held = int(np.count_nonzero(members.hold[self._first] > 0))
        affected = int(np.count_nonzero(~self.found.people.certain[told]))
        also = len(np.setdiff1d(self.before.owner, members.subscriber))
        return Totals(*self._shown([len(told) + also, len(self.found.people), held, affected, also]))

    def suppressed(self) -> dict[str, int]:
        """Those inside who are not told, by every reason there is."""
        counts = np.bincount(self.ruled.why[self.ruled.why >= 0], minlength=len(LEFT_OUT))
        return dict(zip(LEFT_OUT, self._shown(counts), strict=True))

    def by_channel(self) -> Table:
        """By the channel each begins with, or by all where the severity uses all."""
        return self._counted(self._table.sum(axis=0) + self._before)

    def at_most(self, codes: Iterable[int]) -> Table:
        """As if everybody had to go on to every channel of theirs among these."""
        members: Members = reached(self.found.people, self.ruled.told, sorted(codes), None, every=True)
        return self._counted(_by_code(members) + self._before)

    def _counted(self, counts: NDArray[np.int64]) -> Table:
        table: Table = {}
        for channel, language in np.argwhere(counts).tolist():
            (people,) = self._shown([counts[channel, language]])
            if people:
                table.setdefault(CHANNEL_NAMES[channel], {})[LANGUAGE_NAMES[language]] = people
        return table

    def by_office(self) -> list[OfficeRow]:
        """In the order of the offices' codes, `elsewhere` last."""
        rows = []
        for number, channel, language in np.argwhere(self._table).tolist():
            office = self.offices.offices[number] if number < len(self.offices.offices) else None
            (people,) = self._shown([self._table[number, channel, language]])
            if people:
                code, name = (office.code, office.name_en) if office else (None, ELSEWHERE)
                rows.append(OfficeRow(code, name, CHANNEL_NAMES[channel], LANGUAGE_NAMES[language], people))
        return rows

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        return _by_code(self.before)

    @cached_property
    def _first(self) -> NDArray[np.bool_]:
        """Which entries of the members, ascending by person, are a person's first."""
        subscriber = self.ruled.members.subscriber
        first = np.ones(len(subscriber), dtype=bool)
        np.not_equal(subscriber[1:], subscriber[:-1], out=first[1:])
        return first

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """Counts of members by part (the last: none), channel and language."""
        members, parts = self.ruled.members, len(self.offices.offices) + 1
        # Who is told has an entry, and both stand in the order of their ids.
        part = self.found.part.take(self.ruled.told)
        if len(part) < len(members):
            part = part.take(np.cumsum(self._first) - 1)
        cell = part.astype(np.int64)
        cell[part < 0] = parts - 1
        cell *= CODES * CODES
        cell += members.channel.astype(np.int16) * CODES + members.language
        return np.bincount(cell, minlength=parts * CODES * CODES).reshape(parts, CODES, CODES)

    def _shown(self, counts: NDArray[np.int64] | list[int]) -> list[int]:
        numbers = np.asarray(counts, dtype=np.int64)
        shown: list[int] = (numbers if self.exact else rounded(numbers)).tolist()
        return shown


def _by_code(entries: Members | Recipients) -> NDArray[np.int64]:
    """How many by channel and language."""
    cell = entries.channel.astype(np.int64) * CODES + entries.language
    return np.bincount(cell, minlength=CODES * CODES).reshape(CODES, CODES)
