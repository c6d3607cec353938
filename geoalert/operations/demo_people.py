"""Made-up citizens for a demo: the same for the same seed, spread over the city as people are, real in nothing.

Phone numbers begin +91 5, which no Indian subscriber has; tokens and places are drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import shapely

from geoalert.subscribers.person import ALL_CATEGORIES, Person, Point, make_person
from geoalert.wards import Ward

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

# People per km2, rounded guesses by the kind of unit and, for the old city, its zone: only for spreading points.
DENSITY: Final = MappingProxyType({"prabhag": 12_000, "village": 2_500, "old city": 32_000})
OLD_CITY: Final = frozenset({"bhavani-peth", "kasba-vishrambagwada"})
LANGUAGES: Final = (("mr", 0.62), ("hi", 0.23), ("en", 0.15))
CHANNELS: Final = ((("push",), 0.45), (("push", "sms"), 0.25), (("sms", "push"), 0.08), (("sms",), 0.22))
QUIET: Final = ((None, 0.75), ((22 * 60, 7 * 60), 0.22), ((9 * 60, 16 * 60), 0.03))
SEVERITIES: Final = (("Minor", 0.85), ("Moderate", 0.10), ("Severe", 0.05))
SECOND_PLACE: Final = 0.30
CONSENT: Final = 0.96
CHOOSY: Final = 0.25  # who picks some categories instead of all
GROUP: Final = 2_000


def citizens(units: tuple[Ward, ...], categories: int, count: int, seed: int) -> Iterator[list[Person]]:
    """`count` people in groups. `units` are those in force; `categories` is how many there are to choose from."""
    chance = np.random.default_rng(seed)
    weights = np.array([unit.area_km2 * _density(unit) for unit in units])
    for start in range(0, count, GROUP):
        size = min(GROUP, count - start)
        places = _points(units, weights / weights.sum(), size * 2, chance)
        yield [
            _person(start + number, places[2 * number : 2 * number + 2], categories, chance) for number in range(size)
        ]


def _density(unit: Ward) -> int:
    if unit.parent in OLD_CITY:
        return DENSITY["old city"]
    return DENSITY["village" if unit.kind.startswith("village") else "prabhag"]


def _points(
    units: tuple[Ward, ...], weights: NDArray[np.float64], count: int, chance: np.random.Generator
) -> NDArray[np.float64]:
    """`count` points (lon, lat), six decimals, each inside a unit drawn by weight."""
    chosen = chance.choice(len(units), size=count, p=weights)
    points = np.empty((count, 2))
    for number in np.unique(chosen):
        wanted = np.flatnonzero(chosen == number)
        shape = units[number].geometry
        shapely.prepare(shape)
        west, south, east, north = shape.bounds
        while len(wanted):
            tried = np.column_stack(
                [chance.uniform(west, east, len(wanted)), chance.uniform(south, north, len(wanted))]
            )
            tried = tried.round(6)
            points[wanted] = tried
            wanted = wanted[~shapely.contains_xy(shape, tried[:, 0], tried[:, 1])]
    return points


def _person(number: int, places: NDArray[np.float64], categories: int, chance: np.random.Generator) -> Person:
    channels = _pick(CHANNELS, chance)
    values = {"push": f"demo-{number:06d}-{chance.integers(1 << 60):015x}", "sms": f"+915{number:09d}"}
    points = [Point(float(places[0, 0]), float(places[0, 1]), "home")]
    if chance.random() < SECOND_PLACE:
        points.append(Point(float(places[1, 0]), float(places[1, 1]), "work"))
    bits = ALL_CATEGORIES
    if chance.random() < CHOOSY:
        bits = int(chance.integers(1, 1 << categories))
    return make_person(
        addresses={name: values[name] for name in channels},
        channels=channels,
        points=points,
        language=_pick(LANGUAGES, chance),
        categories=bits,
        min_severity=_pick(SEVERITIES, chance),
        quiet=_pick(QUIET, chance),
        consent="demo" if chance.random() < CONSENT else "",
    )


def _pick(table: tuple[tuple[T, float], ...], chance: np.random.Generator) -> T:
    mark, sum_ = chance.random(), 0.0
    for value, share in table:
        sum_ += share
        if mark < sum_:
            return value
    return table[-1][0]
