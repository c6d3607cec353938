"""What changes between two versions of the tree: which office holds which ground, before and after. Pure.

Offices are told apart by their ground, not by their names or codes: every office of either version gets exactly one
word. The shares by which it is chosen are the constants below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from geoalert.wards.model import Ward
from geoalert.wards.projection import area_km2

Fate = Literal["same", "redrawn", "renamed", "split", "merged", "gone", "new"]

MOST: Final = 0.5  # of both offices' ground in common: one is the other's successor
NEARLY_ALL: Final = 0.8  # of a part's ground comes from what was split, or goes to what was merged
A_PART: Final = 0.1  # of the whole, at least, for a part to count
NOTHING_KM2: Final = 0.001  # areas are stated to three decimals


@dataclass(frozen=True, slots=True)
class Change:
    """What became of offices: codes before and after, in code order; either may be empty."""

    fate: Fate
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """Ground that another office serves now; None is outside the city."""

    before: str | None
    after: str | None
    km2: float


@dataclass(frozen=True, slots=True)
class Difference:
    """`heir` gives, for an office of before, the code that goes on as it: itself, or what it was renamed to."""

    changes: tuple[Change, ...]
    moved: tuple[Moved, ...]
    heir: Mapping[str, str]


def compare(before: Sequence[Ward], after: Sequence[Ward], epsg: int) -> Difference:
    """How the offices of one version became those of the other."""
    old, new = {ward.code: ward for ward in before}, {ward.code: ward for ward in after}
    shared = {
        (one, two): area_km2(old[one].geometry.intersection(new[two].geometry), epsg) for one in old for two in new
    }
    size_old = {code: area_km2(ward.geometry, epsg) for code, ward in old.items()}
    size_new = {code: area_km2(ward.geometry, epsg) for code, ward in new.items()}
    of_old = {pair: km2 / size_old[pair[0]] for pair, km2 in shared.items()}
    of_new = {pair: km2 / size_new[pair[1]] for pair, km2 in shared.items()}

    changes: list[Change] = []
    for one in old:
        parts = tuple(two for two in new if of_new[one, two] >= NEARLY_ALL and of_old[one, two] >= A_PART)
        if len(parts) > 1:
            changes.append(Change("split", (one,), parts))
    for two in new:
        parts = tuple(one for one in old if of_old[one, two] >= NEARLY_ALL and of_new[one, two] >= A_PART)
        if len(parts) > 1:
            changes.append(Change("merged", parts, (two,)))
    told_old = {code for change in changes for code in change.before}
    told_new = {code for change in changes for code in change.after}
    # What was split or merged goes on under its own code, where that is among what became of it.
    heir = {one: one for change in changes for one in change.before if one in change.after}
    ways = _successors(
        [one for one in old if one not in told_old], [two for two in new if two not in told_new], of_old, of_new
    )
    for one, ward in old.items():
        if one in told_old:
            continue
        if one not in ways:
            changes.append(Change("gone", (one,), ()))
            continue
        heir[one] = next_one = ways[one]
        told_new.add(next_one)
        apart = size_old[one] + size_new[next_one] - 2 * shared[one, next_one]
        changes.append(Change(_fate(ward, new[next_one], apart), (one,), (next_one,)))
    changes += [Change("new", (), (two,)) for two in new if two not in told_new]
    moved = _moved(old, new, shared, heir, (size_old, size_new))
    return Difference(tuple(sorted(changes, key=lambda change: (change.before, change.after))), moved, heir)


def _successors(
    old: Sequence[str],
    new: Sequence[str],
    of_old: Mapping[tuple[str, str], float],
    of_new: Mapping[tuple[str, str], float],
) -> dict[str, str]:
    """The one office that goes on as another: by its ground, and only where no ground says it by its code."""
    ways = {one: two for one in old for two in new if of_old[one, two] > MOST and of_new[one, two] > MOST}
    taken = set(ways.values())
    return ways | {one: one for one in old if one not in ways and one in new and one not in taken}


def _fate(one: Ward, two: Ward, apart: float) -> Fate:
    if one.code != two.code or one.name_en != two.name_en:
        return "renamed"
    return "redrawn" if apart >= NOTHING_KM2 else "same"


def _moved(
    old: Mapping[str, Ward],
    new: Mapping[str, Ward],
    shared: Mapping[tuple[str, str], float],
    heir: Mapping[str, str],
    sizes: tuple[Mapping[str, float], Mapping[str, float]],
) -> tuple[Moved, ...]:
    pairs: dict[tuple[str | None, str | None], float] = {
        pair: km2 for pair, km2 in shared.items() if heir.get(pair[0]) != pair[1]
    }
    for code in old:
        if sizes[0][code] - sum(shared[code, two] for two in new) >= NOTHING_KM2:
            pairs[code, None] = sizes[0][code] - sum(shared[code, two] for two in new)
    for code in new:
        if sizes[1][code] - sum(shared[one, code] for one in old) >= NOTHING_KM2:
            pairs[None, code] = sizes[1][code] - sum(shared[one, code] for one in old)
    rows = [Moved(one, two, round(km2, 3)) for (one, two), km2 in pairs.items() if km2 >= NOTHING_KM2]
    return tuple(sorted(rows, key=lambda row: (-row.km2, row.before or "", row.after or "")))
