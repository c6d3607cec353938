"""The index a city's points are looked up in. One for the whole tree; each period is prepared when first asked for.

The boundary rule: a point on a line between units belongs to the unit with the lowest code of those in force (so a
prabhag before a village); its office is that unit's parent and its zone that office's, never looked up on their own,
so the three tiers cannot disagree. Every answer equals that of plain shapely (`covers`).
"""

from __future__ import annotations

import math
from datetime import date
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geoalert.errors import Invalid
from geoalert.wards.distance import NOBODY, OfficeEdges
from geoalert.wards.model import Ward, WardTree
from geoalert.wards.raster import FIRST_COMBO, OUTSIDE, Raster, rasterise


class Period:
    """The tree as it is between two changes. `units` in code order; positions are those in it."""

    def __init__(self, tree: WardTree, begin: date) -> None:
        self.epoch = tree.epoch_on(begin)
        self.units = tree.units(begin)
        self.offices = tree.offices(begin)
        by_code = {ward.code: ward for ward in tree.in_force(begin)}
        self.parents: list[tuple[Ward, Ward]] = []
        for unit in self.units:
            try:
                office = by_code[unit.parent or ""]
                self.parents.append((office, by_code[office.parent or ""]))
            except KeyError as missing:
                raise Invalid(f"{unit.code} has no office or zone on {begin}") from missing
        place = {office.code: number for number, office in enumerate(self.offices)}
        self.office_of = [place[office.code] for office, _ in self.parents]
        # Prepared apart from the tree's own shapes: preparing changes a shape in place.
        self._shapes = [shapely.normalize(unit.geometry) for unit in self.units]
        shapely.prepare(self._shapes)
        self._raster: Raster = rasterise(self._shapes)
        self._cells = self._raster.cells.data
        self._has = np.array(
            [[unit in combo for combo in self._raster.combos] for unit in range(len(self.units))], dtype=bool
        )

    @cached_property
    def edges(self) -> OfficeEdges:
        return OfficeEdges([office.geometry for office in self.offices])

    def unit_at(self, lon: float, lat: float) -> int:
        """The position of the unit that holds the point, or -1."""
        raster = self._raster
        column = math.floor((lon - raster.west) * raster.per_degree)
        row = math.floor((lat - raster.south) * raster.per_degree)
        if not (0 <= column < raster.columns and 0 <= row < raster.rows):
            return OUTSIDE
        value = self._cells[row * raster.columns + column]
        if value > FIRST_COMBO:
            return value
        for unit in raster.combos[FIRST_COMBO - value]:
            if shapely.intersects_xy(self._shapes[unit], lon, lat):
                return unit
        return OUTSIDE

    def units_at(self, lons: NDArray[np.float64], lats: NDArray[np.float64]) -> NDArray[np.int16]:
        """As `unit_at`, for arrays of the same length."""
        raster = self._raster
        with np.errstate(invalid="ignore"):
            column = np.floor((lons - raster.west) * raster.per_degree)
            row = np.floor((lats - raster.south) * raster.per_degree)
        within = (column >= 0) & (column < raster.columns) & (row >= 0) & (row < raster.rows)
        cell = np.where(within, row * raster.columns + column, 0).astype(np.int64)
        values = np.where(within, raster.cells[cell], np.int16(OUTSIDE))
        doubtful = np.nonzero(values <= FIRST_COMBO)[0]
        combos = FIRST_COMBO - values[doubtful]
        values[doubtful] = OUTSIDE
        for unit, shape in enumerate(self._shapes):  # in code order: the first to hold a point keeps it
            maybe = doubtful[self._has[unit][combos] & (values[doubtful] == OUTSIDE)]
            values[maybe[shapely.intersects_xy(shape, lons[maybe], lats[maybe])]] = unit
        return values

    def nearest_office(self, lon: float, lat: float, unit: int = OUTSIDE) -> tuple[float, Ward] | None:
        """Metres to the nearest office other than the unit's own, and that office."""
        own = NOBODY if unit == OUTSIDE else self.office_of[unit]
        found = self.edges.nearest(lon, lat, own)
        return None if found is None else (found[0], self.offices[found[1]])


class WardIndex:
    """Looks points up in a tree. `note` is what must be said with an answer where the tree's epochs say nothing.

    `units` are all unit records of the tree in (code, valid_from) order, the same for every day: what the numbers
    of `locate_many` refer to.
    """

    def __init__(self, tree: WardTree, note: str = "") -> None:
        self.tree = tree
        self.note = note
        self.units: tuple[Ward, ...] = tuple(
            ward for records in tree.by_code.values() for ward in records if ward.level == "unit"
        )
        self._number = {(unit.code, unit.valid_from): number for number, unit in enumerate(self.units)}
        self._periods: dict[date, tuple[Period, NDArray[np.int64]]] = {}

    def note_on(self, on: date) -> str:
        """What must be said with an answer for that day: the words of the epoch in force."""
        return self.tree.epoch_on(on).note if self.tree.epochs else self.note

    def period(self, on: date) -> Period:
        """The period that day lies in. Raises Invalid at /at for a day before the first that is held."""
        return self._prepared(on)[0]

    def positions(self, lons: ArrayLike, lats: ArrayLike, on: date) -> NDArray[np.int64]:
        """For each point the position in `units` of the unit that holds it on that day, or -1."""
        period, numbers = self._prepared(on)
        x, y = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1:
            raise Invalid("longitudes and latitudes must be two lists of the same length")
        return numbers[period.units_at(x, y)]

    def _prepared(self, on: date) -> tuple[Period, NDArray[np.int64]]:
        begin = self.tree.begin_of(on)
        if begin not in self._periods:
            period = Period(self.tree, begin)
            numbers = [self._number[unit.code, unit.valid_from] for unit in period.units]
            # One more at the end, so that "outside" (-1) indexes to itself.
            self._periods[begin] = period, np.array([*numbers, OUTSIDE], dtype=np.int64)
        return self._periods[begin]
