"""Where the places of each cell begin, for places that lie in the order of their cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Cells from one that holds a place to the next, up to which they are of one stretch: entries for those between take no
# more then than a stretch would.
APART: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class ByCell:
    """Cells that hold a place, and those between them where these are few, lie in stretches; each of their cells has an
    entry, 4 bytes. So a cell is found among the stretches, of which a city has some thousands, and not among its cells.
    """

    begin: NDArray[np.int64]  # of each stretch its first cell, ascending; there is at least one, which may be empty
    at: NDArray[np.int64]  # of each stretch its first entry; one more at the end
    first: NDArray[np.int32]  # of each entry its cell's first place; one more at the end

    @classmethod
    def of(cls, cells: NDArray[np.int64]) -> ByCell:
        """From the cell of each place, ascending."""
        if not len(cells):
            nothing = np.zeros(1, dtype=np.int64)
            return cls(nothing, np.zeros(2, dtype=np.int64), nothing.astype(np.int32))
        firsts = np.append(0, np.flatnonzero(np.diff(cells)) + 1)  # places that are the first of their cell
        held, count = cells[firsts], np.diff(firsts, append=len(cells))
        opens = np.append(0, np.flatnonzero(np.diff(held) > APART) + 1)
        closes = np.append(opens[1:], len(held))
        begin = held[opens]
        at = np.append(0, np.cumsum(held[closes - 1] - begin + 1))
        first = np.zeros(at[-1] + 1, dtype=np.int32)
        first[held - np.repeat(begin - at[:-1], closes - opens) + 1] = count
        return cls(begin, at, np.cumsum(first, dtype=np.int32))

    @property
    def nbytes(self) -> int:
        return self.begin.nbytes + self.at.nbytes + self.first.nbytes

    def bounds(self, runs: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """For each run of cells, as `cover` gives them, its first entry, the one after its last, and the stretch that
        the first is in or just after; and how many places are in all of them.
        """
        if (loops := compiled.loops()) is not None:
            bounds = np.empty((len(runs), 3), dtype=np.int64)
            return bounds, loops.look_through(runs, self.begin, self.at, self.first, bounds)
        cells = runs[:, :2] + (0, 1)
        stretch = (np.searchsorted(self.begin, cells, side="right") - 1).clip(0)
        entry = self.at.take(stretch) + (cells - self.begin.take(stretch)).clip(0)
        bounds = np.column_stack([np.minimum(entry, self.at.take(stretch + 1)), stretch[:, 0]])
        return bounds, int((self.first.take(bounds[:, 1]) - self.first.take(bounds[:, 0])).sum())

    def cells(self, entries: NDArray[np.int64]) -> NDArray[np.int64]:
        """The cell of each of these entries."""
        stretch = np.searchsorted(self.at, entries, side="right") - 1
        return self.begin.take(stretch) + entries - self.at.take(stretch)

    def of_each(self) -> NDArray[np.int64]:
        """The cell of each place."""
        count = np.diff(self.first)
        held = np.flatnonzero(count)
        before = np.repeat(self.begin - self.at[:-1], np.diff(self.at))
        return np.repeat(before.take(held) + held, count.take(held))
