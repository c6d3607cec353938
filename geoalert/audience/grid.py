"""The live grid's base: all places of a city by cell, as plain arrays in memory, for "who has a place in this area".

Immutable, so that any number of threads may ask it while a new one is made beside it. It gives what the store's path
(`audience.places`) and plain shapely give, on every place.

A million people with 1.3 million places take about 18 MB: a place is 10 bytes (12 + 12 bits of y and x within its
cell, its person's slot, and their kind) and a person 2, beside what there is of cells (`audience.by_cell`) and of kinds
(`audience.everybody`); 26 MB where ids are far apart, for then each is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from geoalert import compiled
from geoalert.audience.by_cell import ByCell
from geoalert.audience.chosen import Chosen, choices
from geoalert.audience.cover import Cover
from geoalert.audience.everybody import Everybody, Persons
from geoalert.audience.grounds import NO_GROUNDS, Grounds
from geoalert.audience.marks import COLUMN, WITHIN, Held, slots_inside
from geoalert.audience.people import Kinds, People, placed
from geoalert.audience.sieve import Sieve
from geoalert.subscribers.cells import ROW, SHIFT, X_ORIGIN, Y_ORIGIN, cells_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

DENSE: Final = 8  # one place to so many people: from there looking at each mark costs less than looking for them
TOGETHER: Final = 8  # marks, a byte each, that are looked at as one word


class Person(NamedTuple):
    """One person as the store has them now: `attr`, `categories` as in `subscribers.attributes`; `xs`, `ys` of their
    point places, in lattice units (`subscribers.cells`), `codes` of the wards and rounded cells they chose.
    """

    attr: int
    categories: int
    xs: tuple[int, ...]
    ys: tuple[int, ...]
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """One row a place: its person, and lattice units of lon and lat; integers, equally long, in any order."""

    subscriber: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Persons are known by their slot (`everybody`)."""

    _everybody: Everybody
    _cells: ByCell  # whose rows are those of the three below
    _offsets: NDArray[np.uint32]  # y << SHIFT | x within the cell
    _slots: NDArray[np.uint32]
    _kinds: Kinds  # of their persons: who cannot be told is left out here, where it lies in one piece
    chosen: Chosen

    @classmethod
    def build(cls, persons: Persons, places: Places, grounds: Grounds = NO_GROUNDS) -> Grid:
        """Every place's person must be among `persons`; a person may have no place. Who chose one of the `grounds`
        need not be.
        """
        also = grounds.besides(persons.subscriber)
        subscriber = np.concatenate([persons.subscriber, also[:, 0]])
        order = np.argsort(subscriber)
        ids = subscriber[order]
        if (ids[1:] == ids[:-1]).any():
            raise ValueError("a person is there twice")
        attr = np.concatenate([persons.attr, also[:, 1]])[order]
        everybody = Everybody.of(ids, attr, np.concatenate([persons.categories, also[:, 2]])[order])
        cells = cells_of(places.x.astype(np.int64), places.y.astype(np.int64))
        by_cell = np.argsort(cells)
        slots = everybody.slots_of_all(places.subscriber)[by_cell]
        offsets = _offsets_of(places)[by_cell]
        chosen = Chosen.build(grounds.codes, grounds.rows[:, 3], everybody.slots_of_all(grounds.rows[:, 0]))
        return cls(everybody, ByCell.of(cells[by_cell]), offsets, slots, everybody.kinds_of(slots), chosen)

    def __len__(self) -> int:
        """How many persons."""
        return len(self._everybody)

    @property
    def nbytes(self) -> int:
        arrays = (self._cells, self._offsets, self._slots, self._kinds)
        return sum(array.nbytes for array in arrays) + self._everybody.nbytes + self.chosen.nbytes

    def slots_of(self, subscribers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each one's slot, -1 for those who are not here."""
        return self._everybody.slots_of(subscribers)

    def inside(
        self, cover: Cover, without: NDArray[np.int64] | None = None, also: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Slots of those with a place in the area, ascending, each once: less the slots in `without`, and with those
        in `also`, which have no slot in common.
        """
        bounds, among = self._cells.bounds(cover.runs)
        return self._inside(cover, bounds, among, None, without, also)[0]

    def people(self, cover: Cover, sieve: Sieve | None = None, without: NDArray[np.int64] | None = None) -> People:
        """Those with a place in the area, less the slots in `without`; with a sieve those who pass it, or everybody
        where that is less work.
        """
        bounds, among = self._cells.bounds(cover.runs)
        passing = None if sieve is None else self._everybody.passing(sieve, among)
        slots, kinds = self._inside(cover, bounds, among, passing, without, None)
        return self._everybody.at(slots, None if passing is None else sieve, kinds)

    def people_at(self, slots: NDArray[np.int64]) -> People:
        """The persons in these slots, given ascending, as people who are certainly inside."""
        return self._everybody.at(slots)

    def first_of(self, covers: Sequence[Cover]) -> NDArray[np.int16]:
        """For each slot the first of these areas that holds a place of the person, or -1."""
        first = np.full(self._everybody.slots, -1, dtype=np.int16)
        for number in reversed(range(len(covers))):
            for piece in self._found(covers[number], self._cells.bounds(covers[number].runs)[0]):
                first[piece] = number
        return first

    def merged(self, changes: Mapping[int, Person | None]) -> Grid:
        """A new grid in which these persons are as given; None: not there. This one stays as it is."""
        persons, places = _arrays(changes)
        gone = self.slots_of(np.fromiter(changes, dtype=np.int64, count=len(changes)))
        everybody, moved = self._everybody.merged(gone[gone >= 0], persons)
        slots = everybody.slots_of_all(places.subscriber)
        codes, number, who = choices(changes)
        chosen = self.chosen.merged(moved, codes, number, everybody.slots_of_all(who))
        cells, offsets, slots = self._places_merged(moved[self._slots], places, slots)
        return Grid(everybody, cells, offsets, slots, everybody.kinds_of(slots), chosen)

    def _places_merged(
        self, moved: NDArray[np.int64], places: Places, slots: NDArray[np.uint32]
    ) -> tuple[ByCell, NDArray[np.uint32], NDArray[np.uint32]]:
        """Cells, offsets and slots: each place at its person's new slot (-1: left out), and these put in
        at theirs.
        """
        kept = moved >= 0
        cells = self._cells.of_each()[kept]
        new_cells = cells_of(places.x, places.y)
        order = np.argsort(new_cells)
        at = np.searchsorted(cells, new_cells[order]) + np.arange(len(order))
        merged = ByCell.of(placed(cells, at, new_cells[order]))
        offsets = placed(self._offsets[kept], at, _offsets_of(places)[order])
        return merged, offsets, placed(moved[kept].astype(np.uint32), at, slots[order])

    def _inside(
        self,
        cover: Cover,
        bounds: NDArray[np.int64],
        among: int,
        passing: NDArray[np.bool_] | None,
        without: NDArray[np.int64] | None,
        also: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.int64], Kinds | None]:
        """As `inside`, of those whose kind passes; and what kind each is of, where that is found in passing."""
        if (loops := compiled.loops()) is not None:
            cells, everybody = self._cells, self._everybody
            arrays = (self._offsets, self._slots, self._kinds, everybody.kind)
            passing = everybody.every_kind if passing is None else passing
            held = Held(cells.begin, cells.at, cells.first, *arrays)
            return slots_inside(held, bounds, among, cover, passing, without, also, loops)
        slots = self._everybody.slots
        marked = np.zeros(-(-slots // TOGETHER) * TOGETHER, dtype=bool)
        for piece in self._found(cover, bounds, passing):
            marked[piece] = True
        if without is not None:
            marked[without] = False
        if also is not None:
            marked[also] = True
        return (np.flatnonzero(marked) if among * DENSE > slots else _few_of(marked)), None

    def _found(
        self, cover: Cover, bounds: NDArray[np.int64], passing: NDArray[np.bool_] | None = None
    ) -> list[NDArray[np.uint32]]:
        """Slots of the places in the area, never no array: a person may be there more than once. Only those of a kind
        that passes, where that is said.
        """
        edge = cover.runs[:, 2] == 1
        # Long stretches, few hundred of them: slicing beats gathering by a list of all their rows.
        whole = [slice(start, end) for start, end in self._cells.first[bounds[~edge, :2]].tolist() if start < end]
        pieces = [self._slots[part] for part in whole]
        if passing is not None and pieces:
            kinds = np.concatenate([self._kinds[part] for part in whole])
            pieces = [np.concatenate(pieces).compress(passing.take(kinds))]
        pieces.append(self._found_on_edges(cover, bounds[edge], passing))
        return pieces

    def _found_on_edges(
        self, cover: Cover, bounds: NDArray[np.int64], passing: NDArray[np.bool_] | None
    ) -> NDArray[np.uint32]:
        """`bounds`: of each edge run."""
        count = bounds[:, 1] - bounds[:, 0]
        entry = ranges(bounds[:, 0], count)
        run = np.repeat(np.arange(len(count)), count)
        first = self._cells.first.take(entry).astype(np.int64)
        count = self._cells.first.take(entry + 1) - first
        place = ranges(first, count)
        of_cell = np.repeat(np.arange(len(entry)), count)
        if passing is not None:
            passes = passing.take(self._kinds.take(place))
            place, of_cell = place.compress(passes), of_cell.compress(passes)
        offset = self._offsets.take(place)
        corner = self._cells.cells(entry).take(of_cell)
        x = ((corner & COLUMN) << SHIFT) + (offset & WITHIN)
        y = (corner >> ROW << SHIFT) + (offset >> SHIFT)
        inside = cover.inside(x.astype(np.float64), y.astype(np.float64), run.take(of_cell))
        return self._slots[place[inside]]


def ranges(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """`count` numbers from each `first` on, one stretch after the other."""
    numbers = np.repeat(first - np.cumsum(count) + count, count)
    numbers += np.arange(len(numbers))
    return numbers


def _arrays(changes: Mapping[int, Person | None]) -> tuple[Persons, Places]:
    """Those who are there, ascending by id, and their places."""
    there = sorted((subscriber, person) for subscriber, person in changes.items() if person is not None)
    ids = np.array([subscriber for subscriber, _ in there], dtype=np.int64)
    attr = np.array([person.attr for _, person in there], dtype=np.int64)
    categories = np.array([person.categories for _, person in there], dtype=np.int64)
    owner = np.repeat(ids, np.array([len(person.xs) for _, person in there], dtype=np.int64))
    x = np.array([x for _, person in there for x in person.xs], dtype=np.int64)
    y = np.array([y for _, person in there for y in person.ys], dtype=np.int64)
    return Persons(ids, attr, categories), Places(owner, x, y)


def _offsets_of(places: Places) -> NDArray[np.uint32]:
    return (((places.y + Y_ORIGIN) & WITHIN) << SHIFT | ((places.x + X_ORIGIN) & WITHIN)).astype(np.uint32)


def _few_of(marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """As `flatnonzero`, where most have no mark: by the words that have one."""
    words = np.flatnonzero(marked.view(np.uint64) != 0)
    at = np.flatnonzero(marked.reshape(-1, TOGETHER).take(words, axis=0))
    return words.take(at >> 3) << 3 | at & TOGETHER - 1
