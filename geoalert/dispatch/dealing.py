"""Putting entries that have the same key together, in the order they had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDE: Final = 1 << 16


def dealt(key: NDArray[np.integer], owner: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each key, ascending, and its owners in the order they had. Keys are small: a table of all up to the largest is
    made. There is at least one.
    """
    if key.min() == key.max():
        yield int(key[0]), owner
        return
    counts = np.bincount(key)
    known = np.flatnonzero(counts)
    pile: NDArray[np.uint16 | np.int64] = np.zeros(len(counts), dtype=np.uint16 if len(known) <= WIDE else np.int64)
    pile[known] = np.arange(len(known))
    end = np.cumsum(counts[known])
    start = end - counts[known]
    ordered = _in_order(pile.take(key), owner, start.copy())
    for group, begin, stop in zip(known.tolist(), start.tolist(), end.tolist(), strict=True):
        yield group, ordered[begin:stop]


def _in_order(
    pile: NDArray[np.uint16 | np.int64], owner: NDArray[np.int64], start: NDArray[np.int64]
) -> NDArray[np.int64]:
    loops = compiled.loops()
    if loops is None or pile.dtype != np.uint16:
        return owner.take(np.argsort(pile, kind="stable"))  # two bytes wide it is a radix sort
    ordered = np.empty(len(owner), dtype=np.int64)
    loops.deal(pile, np.ascontiguousarray(owner), start, ordered)
    return ordered
