"""Fewer corners, and never less ground: rings shed corners one by one, the one that adds least ground first.

A corner goes in one of two ways. One that bends inwards is cut off. A side between two that bend outwards goes when
the sides before and after it are drawn on until they meet. Both only add ground, a triangle each. Rings may come to
overlap themselves; then what they enclose counts.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST: Final = 3  # corners of a ring
SAME: Final = 1e-9  # of a cost: nothing changed since it was worked out


class Shedding:
    """Rings of a plane, counter-clockwise, without their closing corner."""

    def __init__(self, rings: Sequence[NDArray[np.float64]]) -> None:
        self._at: list[tuple[float, float]] = []
        self._next: list[int] = []
        self._before: list[int] = []
        self._ring: list[int] = []
        for number, ring in enumerate(rings):
            first, size = len(self._at), len(ring)
            self._at += [(x, y) for x, y in ring.tolist()]
            self._next += [first + (place + 1) % size for place in range(size)]
            self._before += [first + (place - 1) % size for place in range(size)]
            self._ring += [number] * size
        self._gone = [False] * len(self._at)
        self._left = [len(ring) for ring in rings]
        self.corners = len(self._at)
        self._queue: list[tuple[float, int, bool]] = []  # ground added, corner, whether its side goes
        for corner in range(len(self._at)):
            self._weigh(corner)

    def shed(self, corners: int) -> None:
        """Sheds until so many corners are left, or none can go."""
        while self.corners > corners and self._queue:
            cost, corner, side = heapq.heappop(self._queue)
            if self._gone[corner] or self._left[self._ring[corner]] <= FEWEST:
                continue
            now = self._cost_of_side(corner) if side else self._cost_of_cut(corner)
            if now is None or abs(now - cost) > SAME * (1 + cost):
                continue  # it changed, and was weighed anew then
            if side:
                self._at[corner] = self._meeting(corner) or self._at[corner]
                self._take_out(self._next[corner])
            else:
                self._take_out(corner)
                corner = self._before[corner]
            for near in self._around(corner):
                self._weigh(near)

    def rings(self) -> list[NDArray[np.float64]]:
        """What is left of each ring."""
        found: list[list[tuple[float, float]]] = [[] for _ in self._left]
        for corner, at in enumerate(self._at):
            if not self._gone[corner]:
                found[self._ring[corner]].append(at)
        return [np.array(ring) for ring in found]

    def _take_out(self, corner: int) -> None:
        before, after = self._before[corner], self._next[corner]
        self._next[before], self._before[after] = after, before
        self._gone[corner] = True
        self._left[self._ring[corner]] -= 1
        self.corners -= 1

    def _around(self, corner: int) -> list[int]:
        """Whose cost hangs on this corner and the one after it."""
        before = self._before[corner]
        after = self._next[corner]
        return [self._before[before], before, corner, after, self._next[after]]

    def _weigh(self, corner: int) -> None:
        for side, cost in ((False, self._cost_of_cut(corner)), (True, self._cost_of_side(corner))):
            if cost is not None:
                heapq.heappush(self._queue, (cost, corner, side))

    def _cost_of_cut(self, corner: int) -> float | None:
        """The ground added by cutting the corner off; none where it bends outwards."""
        turn = _turn(self._at[self._before[corner]], self._at[corner], self._at[self._next[corner]])
        return -turn / 2 if turn <= 0 else None

    def _cost_of_side(self, corner: int) -> float | None:
        """The ground added by doing without the side that starts here; none where its neighbours do not meet."""
        met = self._meeting(corner)
        return None if met is None else abs(_turn(self._at[corner], met, self._at[self._next[corner]])) / 2

    def _meeting(self, corner: int) -> tuple[float, float] | None:
        b, c = self._at[corner], self._at[self._next[corner]]
        a, d = self._at[self._before[corner]], self._at[self._next[self._next[corner]]]
        if _turn(a, b, c) <= 0 or _turn(b, c, d) <= 0:
            return None
        (ux, uy), (vx, vy) = (b[0] - a[0], b[1] - a[1]), (c[0] - d[0], c[1] - d[1])
        across = ux * vy - uy * vx
        if across >= 0:
            return None  # they part, or run beside each other
        share = ((c[0] - b[0]) * vy - (c[1] - b[1]) * vx) / across
        return (b[0] + share * ux, b[1] + share * uy) if share > 0 else None


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
