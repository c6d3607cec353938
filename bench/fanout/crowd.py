"""A made-up crowd in Pune's box, and every kind of area: seeded, so that two runs see the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geoalert.subscribers.attributes import ACTIVE, CHANNEL_BITS, CHANNEL_SHIFT, CONSENT
from geoalert.subscribers.cells import SCALE, cells_of
from geoalert.wards import City, load_city

CITY = Path(__file__).parents[2] / "data" / "ward_boundaries" / "pune"
WEST, SOUTH, EAST, NORTH = 73.70, 18.36, 74.06, 18.68
METRE = 1 / 111_000  # degrees, near enough for made-up places
PUSH, SMS = 1, 2
WATER = 0  # the category asked for


@dataclass(frozen=True)
class Crowd:
    """People (`attr`, `categories` as in subscribers.attributes) and their places in lattice units."""

    attr: NDArray[np.int64]
    categories: NDArray[np.int64]
    owner: NDArray[np.int64]  # of each place: the person's id, from 1
    x: NDArray[np.int64]
    y: NDArray[np.int64]

    @property
    def cell(self) -> NDArray[np.int64]:
        return cells_of(self.x, self.y)

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """Of each person: whether the message's category and channel are theirs. Everybody else has consented, too."""
        push = self.attr >> CHANNEL_SHIFT + CHANNEL_BITS * (PUSH - 1) & 7 > 0
        wanted: NDArray[np.bool_] = push & (self.categories >> WATER & 1 == 1)
        return wanted


def make_crowd(count: int, seed: int = 2_026) -> Crowd:
    """`count` people: 140 clusters, 12 % anywhere in the box, 15 % on shared society coordinates, 30 % two places."""
    chance = np.random.default_rng(seed)
    places = count + int(count * 0.3)
    centres = np.column_stack([chance.uniform(73.76, 73.98, 140), chance.uniform(18.42, 18.62, 140)])
    spread = chance.uniform(300, 1_300, 140) * METRE
    cluster = chance.integers(0, 140, places)
    points = centres[cluster] + chance.normal(size=(places, 2)) * spread[cluster, None]
    kind = chance.random(places)
    anywhere = kind < 0.12
    points[anywhere] = chance.uniform((WEST, SOUTH), (EAST, NORTH), (int(anywhere.sum()), 2))
    society = kind > 0.85
    doors = centres[chance.integers(0, 140, 5_000)] + chance.normal(size=(5_000, 2)) * 700 * METRE
    points[society] = doors[chance.integers(0, 5_000, int(society.sum()))]
    lattice = np.clip(points.round(6), (WEST, SOUTH), (EAST, NORTH)) * SCALE
    owner = np.concatenate([np.arange(1, count + 1), chance.permutation(count)[: places - count] + 1])
    push = chance.random(count) < 0.8  # the others have SMS alone
    attr = 3 | 1 << 4 | CONSENT | ACTIVE | push.astype(np.int64) << CHANNEL_SHIFT
    attr |= np.where(push, 2, 1) << CHANNEL_SHIFT + CHANNEL_BITS
    categories = np.where(chance.random(count) < 0.7, 1 << WATER, 0) | chance.integers(0, 1 << 5, count) << 1
    x, y = lattice.round().astype(np.int64).T
    return Crowd(attr.astype(np.int64), categories.astype(np.int64), owner, x, y)


def make_areas(each: int = 2, seed: int = 7) -> list[tuple[str, BaseGeometry]]:
    """(kind, area), some of each kind, from a few doors to the whole city."""
    city: City = load_city(CITY)
    chance = np.random.default_rng(seed)
    tree = city.tree.wards

    def shapes(level: str) -> list[BaseGeometry]:
        found = sorted((ward for ward in tree if ward.level == level), key=lambda ward: ward.area_km2)
        middle = len(found) // 2 - each // 2
        return [ward.geometry for ward in found[middle : middle + each]]

    whole = shapely.union_all([ward.geometry for ward in tree if ward.level == "zone"])
    middles = [shapely.Point(chance.uniform(73.80, 73.92), chance.uniform(18.46, 18.56)) for _ in range(each)]
    areas = [("tiny", point.buffer(30 * METRE)) for point in middles]
    areas += [("prabhag", shape) for shape in shapes("unit")]
    areas += [("hazard", point.buffer(1_200 * METRE, quad_segs=60)) for point in middles]
    areas += [("ward", shape) for shape in shapes("office")]
    areas += [("zone", shape) for shape in shapes("zone")]
    areas += [("river", _river(chance)) for _ in range(each)]
    areas.append(("city", whole))
    return [(kind, shapely.set_precision(area, 1e-7)) for kind, area in areas]


def _river(chance: np.random.Generator) -> BaseGeometry:
    """250 m either side of a winding line through the city; some 5,000 corners."""
    steps = np.linspace(0, 1, 2_400)
    bends = sum(chance.normal() * 0.01 / n * np.sin(2 * np.pi * n * steps + chance.uniform(0, 6)) for n in range(1, 40))
    line = shapely.LineString(np.column_stack([73.74 + 0.28 * steps, 18.52 + bends]))
    return line.buffer(250 * METRE, quad_segs=2)
