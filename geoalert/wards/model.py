"""The tree of wards: zone → office → unit, each record with the period for which it holds.

Geometry is EPSG:4326, longitude before latitude, in degrees. Areas are in km2.
A period includes its first day (`valid_from`) and excludes its last (`valid_to`); no last day means it still holds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal, cast, get_args

from shapely.geometry import MultiPolygon, Polygon

from geoalert.errors import Invalid, NotFound
from geoalert.languages import LANGUAGES, Language

Level = Literal["zone", "office", "unit"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Ward:
    """One node of the tree for one period. A node whose limits change has one record for each period."""

    code: str
    level: Level
    kind: str
    name_en: str
    name_mr: str
    name_hi: str
    parent: str | None
    valid_from: date
    valid_to: date | None
    aliases: tuple[str, ...]
    geometry: Polygon | MultiPolygon
    area_km2: float

    def in_force(self, on: date) -> bool:
        """Whether this record holds on that day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)

    def name(self, language: Language) -> str:
        """The name in that language."""
        return cast("str", getattr(self, f"name_{language}"))

    @property
    def names(self) -> dict[Language, str]:
        """The name in every language."""
        return {language: self.name(language) for language in LANGUAGES}

    @property
    def number(self) -> int | None:
        """The number officials use for a zone ("Z2" → 2); None where the code holds none."""
        digits = self.code[1:]
        return int(digits) if self.level == "zone" and digits.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Epoch:
    """A version of the tree and the period for which it holds. `note` is what must be said with every answer."""

    label: str
    valid_from: date
    valid_to: date | None = None
    note: str = ""


@dataclass(frozen=True)
class WardTree:
    """All records of one city, of one epoch or of several that follow each other; `epoch` is the newest one's label.

    Building it checks nothing: `check` does, so that faults can be shown.
    """

    city: str
    epoch: str
    wards: tuple[Ward, ...]
    epochs: tuple[Epoch, ...] = ()  # oldest first; none where the tree is one epoch's and only its label is known

    def epoch_on(self, on: date) -> Epoch:
        """The epoch in force on that day; the oldest for a day before it."""
        known = self.epochs or (Epoch(self.epoch, self.begins[0] if self.begins else on),)
        return next((epoch for epoch in reversed(known) if epoch.valid_from <= on), known[0])

    def of_epoch(self, label: str) -> WardTree:
        """The records of one epoch, or NotFound."""
        for epoch in self.epochs:
            if epoch.label == label:
                ends = epoch.valid_to or date.max
                wards = (ward for ward in self.wards if epoch.valid_from <= ward.valid_from < ends)
                return WardTree(self.city, label, tuple(wards), (epoch,))
        held = ", ".join(epoch.label for epoch in self.epochs) or "none"
        raise NotFound(f"no epoch {label[:20]!r} is held; there is {held}")

    @cached_property
    def by_code(self) -> dict[str, tuple[Ward, ...]]:
        """Every record of a code, oldest first."""
        found: dict[str, list[Ward]] = {}
        for ward in sorted(self.wards, key=lambda ward: (ward.code, ward.valid_from)):
            found.setdefault(ward.code, []).append(ward)
        return {code: tuple(records) for code, records in found.items()}

    @cached_property
    def begins(self) -> tuple[date, ...]:
        """The days on which the tree changes, oldest first; nothing is held before the first."""
        days = {ward.valid_from for ward in self.wards}
        days |= {ward.valid_to for ward in self.wards if ward.valid_to is not None}
        return tuple(sorted(days))

    def begin_of(self, on: date) -> date:
        """The day on which the period of that day began.

        Raises:
            Invalid: nothing is held for that day; at /at, as every door calls the day that is asked about.
        """
        at = bisect_right(self.begins, on) - 1
        if at < 0:
            since = f"; the first are of {self.begins[0]}" if self.begins else ""
            raise Invalid(f"no boundaries are held for {on}{since}", pointer="/at")
        return self.begins[at]

    def in_force(self, on: date, level: Level | None = None) -> tuple[Ward, ...]:
        """The records that hold on that day, in code order; of one level where given."""
        held = (ward for ward in self.wards if ward.in_force(on) and level in {None, ward.level})
        return tuple(sorted(held, key=lambda ward: ward.code))

    def zones(self, on: date) -> tuple[Ward, ...]:
        return self.in_force(on, "zone")

    def offices(self, on: date) -> tuple[Ward, ...]:
        return self.in_force(on, "office")

    def units(self, on: date) -> tuple[Ward, ...]:
        return self.in_force(on, "unit")

    def get(self, code: str, on: date) -> Ward:
        """The record of that code that holds on that day, or NotFound."""
        for ward in self.by_code.get(code, ()):
            if ward.in_force(on):
                return ward
        known = code in self.by_code
        raise NotFound(f"{code} is not in force on {on}" if known else f"there is no ward with the code {code!r}")

    def last_known(self, code: str, on: date) -> Ward:
        """The record of that day or else the newest before it; the first to come where there is neither, or NotFound.

        Who chose a ward that has gone is still told by its ground, and nobody by a line that does not hold yet.
        """
        records = self.by_code.get(code)
        if not records:
            raise NotFound(f"there is no ward with the code {code[:60]!r}")
        return next((ward for ward in reversed(records) if ward.valid_from <= on), records[0])

    def ancestors(self, ward: Ward, on: date) -> tuple[Ward, ...]:
        """The records above, nearest first: a unit's office and zone."""
        above: list[Ward] = []
        while ward.parent is not None:
            ward = self.get(ward.parent, on)
            above.append(ward)
        return tuple(above)

    def children(self, code: str, on: date) -> tuple[Ward, ...]:
        """The records one level below, in code order."""
        return tuple(ward for ward in self.in_force(on) if ward.parent == code)

    def units_of(self, code: str, on: date) -> tuple[Ward, ...]:
        """The units of a zone or office, or the unit itself, in code order."""
        ward = self.get(code, on)
        if ward.level == "unit":
            return (ward,)
        found = (unit for child in self.children(code, on) for unit in self.units_of(child.code, on))
        return tuple(sorted(found, key=lambda unit: unit.code))
