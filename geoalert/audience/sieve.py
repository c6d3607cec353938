"""Whom a message can tell at all, by what stands beside a place: who is barred whatever their hours and channels. The
same rule where people are found, in the store and in memory, so that nobody it bars is brought over, and in
`audience.rules`, which decide on whoever was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from geoalert import compiled
from geoalert.audience.people import stretches
from geoalert.subscribers.attributes import MIN_SEVERITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEVERITY: Final = MIN_SEVERITY[1] << MIN_SEVERITY[0]


class Sieve(NamedTuple):
    """What lets a person be told: bits of `attr` and `categories`."""

    must: int  # all of these
    usable: int  # one of these
    category: int  # this one, unless 0
    strictest: int = SEVERITY  # least severity, where it stands in `attr`, no higher than this

    def passes(self, attr: NDArray[np.int64], categories: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of each, whether nothing bars them."""
        wanted = np.empty(len(attr), dtype=bool)
        if (loops := compiled.loops()) is not None:
            loops.admit(attr, categories, *self, wanted)
            return wanted
        for part in stretches(len(attr)):
            some = attr[part]
            let = some & self.must == self.must
            let &= some & self.usable != 0
            if self.category:
                let &= categories[part] & self.category != 0
            let &= some & SEVERITY <= self.strictest
            wanted[part] = let
        return wanted

    @property
    def condition(self) -> str:
        """In both stores' SQL, over the columns `attr` and `categories`; of whole numbers alone."""
        parts = [f"(attr & {self.must}) = {self.must}", f"(attr & {self.usable}) <> 0"]
        if self.strictest < SEVERITY:
            parts.append(f"(attr & {SEVERITY}) <= {self.strictest}")
        if self.category:
            parts.append(f"(categories & {self.category}) <> 0")
        return " AND ".join(parts)
