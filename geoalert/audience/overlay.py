"""What changed since the grid's base was made, laid over it, so that the answer is of this moment.

An overlay belongs to one thread; a `View` of it may go to any. A merge runs beside it, from a snapshot:

    changes = overlay.snapshot()                 # here
    base = overlay.base.merged(changes)          # in a thread, as long as it takes
    overlay = overlay.onto(base, changes)        # here: what came meanwhile is still in it
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert.audience.chosen import choices
from geoalert.audience.cover import Cover
from geoalert.audience.grid import Grid, Person, ranges
from geoalert.audience.grounds import Grounds
from geoalert.audience.people import People, Wishes, placed
from geoalert.audience.sieve import Sieve
from geoalert.subscribers.cells import X_ORIGIN, Y_ORIGIN, cells_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPARE: Final = 1024  # rows of persons that changed again, beyond one a person, before they are swept out


class Overlay:
    """The persons of `base`, those changed as given last; each person once."""

    def __init__(self, base: Grid, changes: Mapping[int, Person | None] | None = None) -> None:
        self._base = base
        self._changes: dict[int, Person | None] = {}
        self._rows = _Rows()
        self._view: View | None = None
        self.apply(changes or {})

    @property
    def base(self) -> Grid:
        return self._base

    def __len__(self) -> int:
        """How many persons differ from the base, those gone included."""
        return len(self._changes)

    def apply(self, changes: Mapping[int, Person | None]) -> None:
        """From now on these persons are as given; None: not there. Whole persons, so twice is as once."""
        if not changes:
            return
        self._view = None
        self._changes.update(changes)
        self._rows.add(changes)
        if len(self._rows) > 2 * len(self._changes) + SPARE:
            self._rows = _Rows()
            self._rows.add(self._changes)

    def view(self) -> View:
        """As it is now; later changes do not reach it."""
        if self._view is None:
            self._view = self._rows.over(self._base)
        return self._view

    def snapshot(self) -> dict[int, Person | None]:
        """What changed up to now; later changes do not reach it."""
        return dict(self._changes)

    def onto(self, base: Grid, merged: Mapping[int, Person | None]) -> Overlay:
        """The overlay of a base that holds `merged`, a snapshot of this one: only what was applied after it is in it.
        This one stays as it is.
        """
        absent = object()
        return Overlay(base, {key: now for key, now in self._changes.items() if merged.get(key, absent) is not now})


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A base, the changed persons (one row each, ascending by id), and the places they have now."""

    base: Grid
    subscriber: NDArray[np.int64]
    slot: NDArray[np.int64]  # in the base; -1: not there
    attr: NDArray[np.int64]
    categories: NDArray[np.int64]
    cell: NDArray[np.int64]  # from here on one a place, ascending by cell
    x: NDArray[np.float64]  # as in `cover`
    y: NDArray[np.float64]
    row: NDArray[np.int64]  # whose
    new_codes: Sequence[str]  # what the changed persons chose, and one row a choice: which of these, and whose row
    new_code: NDArray[np.int64]
    new_chooser: NDArray[np.int64]

    @property
    def codes(self) -> list[str]:
        """Wards and rounded cells that somebody chose, each once, and perhaps one that nobody has any more."""
        return list(dict.fromkeys([*self.base.chosen.codes, *self.new_codes]))

    def grounds(self, codes: Sequence[str]) -> Grounds:
        """Who chose one of these."""
        slots, number = self.base.chosen.of(codes)
        if len(self.slot):
            kept = ~np.isin(slots, self.slot)  # whoever changed stands among the rows
            slots, number = slots[kept], number[kept]
        people = self.base.people_at(slots)
        based = np.column_stack([people.subscriber, people.attr, people.categories, number])
        if not self.new_codes:
            return Grounds(codes, based)
        wanted = {code: position for position, code in enumerate(codes)}
        position = np.array([wanted.get(code, -1) for code in self.new_codes], dtype=np.int64)[self.new_code]
        row = self.new_chooser[position >= 0]
        new = [self.subscriber[row], self.attr[row], self.categories[row], position[position >= 0]]
        return Grounds(codes, np.concatenate([based, np.column_stack(new)]))

    def people(self, cover: Cover, sieve: Sieve | None = None) -> People:
        """Those with a place in the area; with a sieve those who pass it, and perhaps others."""
        if not len(self.slot):
            return self.base.people(cover, sieve)
        # Whoever changed stands among the rows: what the base has of them is over.
        people = self.base.people(cover, sieve, without=self.slot[self.slot >= 0])
        inside = np.flatnonzero(self._inside(cover))
        return self._joined(people, inside) if len(inside) else people

    def divided(self, cover: Cover, parts: Sequence[Cover]) -> tuple[People, NDArray[np.int16]]:
        """As `people`, and for each of them the first of the parts that holds a place of theirs, or -1."""
        if len(parts) == 1 and parts[0] is cover:
            people = self.people(cover)
            return people, np.zeros(len(people), dtype=np.int16)
        slots, known, new = self._found(cover)
        part = self.base.first_of(parts).take(slots)
        of_row = np.full(len(self.slot), -1, dtype=np.int16)
        for number in reversed(range(len(parts))) if len(of_row) else ():
            of_row[self._rows_inside(parts[number])] = number
        part[np.searchsorted(slots, self.slot[known])] = of_row[known]
        people = self._people(slots, known)
        if not len(new):
            return people, part
        at = np.searchsorted(people.subscriber, self.subscriber[new]) + np.arange(len(new))
        return self._joined(people, new), placed(part, at, of_row[new])

    def _found(self, cover: Cover) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Those with a place in the area: slots in the base, ascending; the changed among them, and those the base
        does not have, both as rows.
        """
        inside = self._inside(cover)
        based = self.slot >= 0
        known = np.flatnonzero(inside & based)
        slots = self.base.inside(cover, without=self.slot[based & ~inside], also=self.slot[known])
        return slots, known, np.flatnonzero(inside & ~based)

    def _inside(self, cover: Cover) -> NDArray[np.bool_]:
        """Of each row, whether it has a place in the area."""
        inside = np.zeros(len(self.slot), dtype=bool)
        if len(inside):
            inside[self._rows_inside(cover)] = True
        return inside

    def _people(self, slots: NDArray[np.int64], known: NDArray[np.int64]) -> People:
        people = self.base.people_at(slots)
        if not len(known):
            return people
        at = np.searchsorted(slots, self.slot[known])
        wishes = people.wishes.each()
        wishes.attr[at], wishes.categories[at] = self.attr[known], self.categories[known]
        return replace(people, wishes=wishes)

    def _rows_inside(self, cover: Cover) -> NDArray[np.int64]:
        """Rows with a place in the area; one with several may come more than once."""
        first, last, on_edge = cover.runs.T
        start = np.searchsorted(self.cell, first)
        count = np.searchsorted(self.cell, last, side="right") - start
        place = ranges(start, count)
        edge = np.repeat(on_edge == 1, count)
        tested = place[edge]
        run = np.repeat(np.cumsum(on_edge) - 1, count)[edge]
        inside = np.ones(len(place), dtype=bool)
        inside[edge] = cover.inside(self.x[tested], self.y[tested], run)
        return self.row[place[inside]]

    def _joined(self, people: People, new: NDArray[np.int64]) -> People:
        """With these rows, whose persons are not in the base."""
        ids = self.subscriber[new]
        at = np.searchsorted(people.subscriber, ids) + np.arange(len(ids))
        known = people.wishes.each()
        return People(
            placed(people.subscriber, at, ids),
            Wishes(placed(known.attr, at, self.attr[new]), placed(known.categories, at, self.categories[new])),
            np.ones(len(people) + len(ids), dtype=bool),
        )


class _Rows:
    """Changed persons and their places in the order they came, as columns that grow: one change costs microseconds."""

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}  # by person
        self._slot, self._attr, self._categories = (array("q") for _ in range(3))
        self._subscriber, self._x, self._y, self._row = (array("q") for _ in range(4))
        self._choosing: dict[int, Person] = {}  # who chose a ward or a rounded cell

    def __len__(self) -> int:
        return len(self._subscriber)

    def add(self, changes: Mapping[int, Person | None]) -> None:
        for subscriber, person in changes.items():
            row = len(self._subscriber)
            self._latest[subscriber] = row
            self._subscriber.append(subscriber)
            self._attr.append(0 if person is None else person.attr)
            self._categories.append(0 if person is None else person.categories)
            self._choosing.pop(subscriber, None)
            if person is not None:
                if person.codes:
                    self._choosing[subscriber] = person
                self._x.extend(person.xs)
                self._y.extend(person.ys)
                self._row.extend([row] * len(person.xs))

    def over(self, base: Grid) -> View:
        subscriber = np.array(self._subscriber)
        # Looked up once a row, when first asked for.
        self._slot.frombytes(base.slots_of(subscriber[len(self._slot) :]).tobytes())
        latest = np.fromiter(self._latest.values(), dtype=np.int64, count=len(self._latest))
        latest = latest[np.argsort(subscriber[latest])]
        row_now = np.full(len(subscriber), -1, dtype=np.int64)  # -1: superseded
        row_now[latest] = np.arange(len(latest))
        row = row_now[np.array(self._row)]
        x, y = np.array(self._x), np.array(self._y)
        cell = cells_of(x, y)
        order = np.argsort(cell)
        order = order[row[order] >= 0]
        codes, code, chooser = choices(self._choosing)
        return View(
            base,
            subscriber[latest],
            np.array(self._slot)[latest],
            np.array(self._attr)[latest],
            np.array(self._categories)[latest],
            cell[order],
            (x[order] + X_ORIGIN).astype(np.float64),
            (y[order] + Y_ORIGIN).astype(np.float64),
            row[order],
            codes,
            code,
            np.searchsorted(subscriber[latest], chooser),
        )
