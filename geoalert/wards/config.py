"""What a city's folder says in city.toml, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from geoalert.errors import Invalid
from geoalert.languages import LANGUAGES, Language
from geoalert.wards.model import LEVELS, Level


@dataclass(frozen=True, slots=True)
class Bbox:
    """West, south, east, north in degrees, edges included."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float, margin: float = 0.0) -> bool:
        """Whether the point lies in the box widened by `margin` degrees."""
        return self.west - margin <= lon <= self.east + margin and self.south - margin <= lat <= self.north + margin


@dataclass(frozen=True, slots=True)
class Gap:
    """Ground inside the outline that is not the city's; `at` is (lon, lat) inside it."""

    name: str
    at: tuple[float, float]
    area_km2: float


@dataclass(frozen=True, slots=True)
class Expected:
    """The counts and the area (km2) a correct product has from that day on."""

    since: date
    counts: Mapping[Level, int]
    area_km2: float


@dataclass(frozen=True, slots=True)
class Leaving:
    """Units that left the city: in force until the day before `on`."""

    on: date
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceRules:
    """How the build reads the city's own layer, and how far it may move a line."""

    unit_keys: tuple[str, ...]
    office: str
    zone: str
    drop_column: str
    drop: frozenset[str]
    offices: Mapping[str, str]
    zones: Mapping[str, str]
    gap_width_m: float
    simplify_m: float
    decimals: int
    area_change_percent: float
    hausdorff_m: float


@dataclass(frozen=True, slots=True)
class ImportRules:
    """How an imported layer is read. `columns` gives our field's column; `code` makes a unit's code of {code}, what
    the layer holds, and {epoch}; `offices` and `zones` turn the layer's labels into our codes.
    """

    columns: Mapping[str, str]
    code: str
    kind: str
    offices: Mapping[str, str]
    zones: Mapping[str, str]
    gap_width_m: float
    decimals: int


@dataclass(frozen=True, slots=True)
class CityConfig:
    key: str
    name: Mapping[Language, str]
    timezone: str
    epsg: int
    bbox: Bbox
    helpline: str
    attribution: str
    note: str
    epoch: str
    valid_from: date
    levels: Mapping[Level, Mapping[Language, str]]
    tolerance_percent: float
    expected: tuple[Expected, ...]
    gaps: tuple[Gap, ...]
    leaving: tuple[Leaving, ...]
    source: SourceRules | None  # a city whose layers are imported has none
    importing: ImportRules


def parse_config(table: Mapping[str, Any]) -> CityConfig:
    """The settings in a decoded city.toml. Raises Invalid naming the missing or wrong entry."""
    try:
        return CityConfig(
            key=table["key"],
            name={language: table["name"][language] for language in LANGUAGES},
            timezone=table["timezone"],
            epsg=table["epsg"],
            bbox=Bbox(*map(float, table["bbox"])),
            helpline=table["helpline"],
            attribution=table["attribution"],
            note=table["note"],
            epoch=table["epoch"]["label"],
            valid_from=table["epoch"]["valid_from"],
            levels={level: {tongue: table["levels"][level][tongue] for tongue in LANGUAGES} for level in LEVELS},
            tolerance_percent=float(table["expected"]["tolerance_percent"]),
            expected=tuple(map(_expected, table["expected"]["in_force"])),
            gaps=tuple(
                Gap(gap["name"], (float(gap["at"][0]), float(gap["at"][1])), float(gap["area_km2"]))
                for gap in table.get("gaps", ())
            ),
            leaving=tuple(Leaving(left["on"], tuple(left["units"])) for left in table.get("left", ())),
            source=_source(table["source"]) if "source" in table else None,
            importing=_importing(table.get("import", {})),
        )
    except KeyError as missing:
        raise Invalid(f"city.toml lacks the entry {missing.args[0]!r}") from missing
    except (TypeError, ValueError, IndexError) as wrong:
        raise Invalid(f"city.toml has an entry of the wrong kind: {wrong}") from wrong


def _expected(row: Mapping[str, Any]) -> Expected:
    return Expected(row["from"], {level: row[f"{level}s"] for level in LEVELS}, float(row["area_km2"]))


def _source(table: Mapping[str, Any]) -> SourceRules:
    return SourceRules(
        unit_keys=tuple(table["unit_keys"]),
        office=table["office"],
        zone=table["zone"],
        drop_column=table["drop_column"],
        drop=frozenset(table["drop"]),
        offices=table["offices"],
        zones=table["zones"],
        gap_width_m=float(table["gap_width_m"]),
        simplify_m=float(table["simplify_m"]),
        decimals=int(table["decimals"]),
        area_change_percent=float(table["limits"]["area_change_percent"]),
        hausdorff_m=float(table["limits"]["hausdorff_m"]),
    )


# The fields an imported layer may give a column for.
FIELDS: Final = ("code", "kind", "name_en", "name_mr", "name_hi", "aliases", "office", "zone")


def _importing(table: Mapping[str, Any]) -> ImportRules:
    columns = {field: field for field in FIELDS} | dict(table.get("columns", {}))
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown:
        raise ValueError(f"[import.columns] has no use for {', '.join(unknown)}; fields are {', '.join(FIELDS)}")
    pattern = table.get("code", "{code}")
    try:
        pattern.format(code="1", epoch="2021")
    except (KeyError, IndexError, AttributeError) as wrong:
        raise ValueError("the code of [import] may hold {code} and {epoch} only") from wrong
    return ImportRules(
        columns=columns,
        code=pattern,
        kind=table.get("kind", "unit"),
        offices=table.get("offices", {}),
        zones=table.get("zones", {}),
        gap_width_m=float(table.get("gap_width_m", 5.0)),
        decimals=int(table.get("decimals", 6)),
    )
