"""Who chose which ward or rounded cell, beside the grid's places: four bytes a choice, by the persons' slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoalert.audience.grid import Person


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Immutable, as the grid it belongs to. Every code has somebody."""

    codes: tuple[str, ...]
    _first: NDArray[np.int64]  # of each code, its first row in `_slots`; one more at the end
    _slots: NDArray[np.uint32]

    @classmethod
    def build(cls, codes: Sequence[str], number: NDArray[np.int64], slots: NDArray[np.uint32]) -> Chosen:
        """From one row a choice, in any order: which of the codes, and whose."""
        count = np.bincount(number, minlength=len(codes))
        order = np.argsort(number, kind="stable")
        held = np.flatnonzero(count)
        first = np.concatenate([[0], np.cumsum(count[held])])
        return cls(tuple(codes[at] for at in held.tolist()), first, slots[order])

    @property
    def nbytes(self) -> int:
        return self._first.nbytes + self._slots.nbytes

    def of(self, codes: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Those who chose one of these codes: their slots, and the position of their code, one row a choice."""
        wanted = {code: position for position, code in enumerate(codes)}
        pieces = [
            (position, self._slots[self._first[at] : self._first[at + 1]])
            for at, code in enumerate(self.codes)
            if (position := wanted.get(code)) is not None
        ]
        if not pieces:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        slots = np.concatenate([piece for _, piece in pieces]).astype(np.int64)
        return slots, np.repeat([position for position, _ in pieces], [len(piece) for _, piece in pieces])

    def merged(
        self, moved: NDArray[np.int64], codes: Sequence[str], number: NDArray[np.int64], slots: NDArray[np.uint32]
    ) -> Chosen:
        """With each person at their new slot (-1: left out), and these choices added."""
        now = moved[self._slots]
        kept = now >= 0
        place = {code: at for at, code in enumerate(self.codes)}
        added = [place.setdefault(code, len(place)) for code in codes]
        old = np.repeat(np.arange(len(self.codes)), np.diff(self._first))[kept]
        return Chosen.build(
            tuple(place),
            np.concatenate([old, np.array(added, dtype=np.int64)[number]]),
            np.concatenate([now[kept].astype(np.uint32), slots]),
        )


def choices(changes: Mapping[int, Person | None]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The codes these persons chose, each once; and one row a choice: which of them, and whose."""
    place: dict[str, int] = {}
    rows = [
        (place.setdefault(code, len(place)), subscriber)
        for subscriber, person in changes.items()
        if person is not None
        for code in person.codes
    ]
    number, who = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return list(place), number, who
