"""Reads a city's own boundary layer, as its city.toml and names.csv say. Needs the extra `geoalert[wards]`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyogrio
import shapely

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig, SourceRules
from geoalert.wards.layer_guard import opened
from geoalert.wards.naming import NameRow


@dataclass(frozen=True, slots=True)
class SourceUnit:
    """A unit as the city drew it; `geometry` is in metres (the city's grid)."""

    code: str
    office: str
    zone: str
    geometry: shapely.Polygon | shapely.MultiPolygon


def read_source(path: Path, config: CityConfig, rules: SourceRules, names: Mapping[str, NameRow]) -> list[SourceUnit]:
    """Every unit of the layer but those to drop, in code order.

    Raises Invalid for a file that cannot be read, has no CRS or lacks a column, and for a feature that is unknown,
    repeated, not a valid polygon, or in an unknown office or zone; also if a unit of names.csv is missing.
    """
    wanted = [*rules.unit_keys, rules.office, rules.zone, rules.drop_column]
    try:
        with opened(path) as layer, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of it is refused below
            frame = pyogrio.read_dataframe(layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as broken:
        raise Invalid(f"{path.name} is not a boundary file that can be read") from broken
    lacking = sorted(set(wanted) - set(frame.columns))
    if lacking:
        raise Invalid(f"{path.name} lacks the column {', '.join(lacking)}")
    if frame.crs is None:
        raise Invalid(f"{path.name} does not say its coordinate reference system")
    frame = frame[~frame[rules.drop_column].isin(rules.drop)].to_crs(config.epsg)

    by_label = {row.source: row.code for row in names.values() if row.source}
    found: dict[str, SourceUnit] = {}
    for record in frame.to_dict("records"):
        unit = _unit(record, rules, by_label)
        if unit.code in found:
            raise Invalid(f"{path.name} holds {unit.code} twice")
        found[unit.code] = unit
    missing = sorted(set(by_label.values()) - set(found))
    if missing:
        raise Invalid(f"{path.name} lacks {', '.join(missing)}")
    return [found[code] for code in sorted(found)]


def _unit(record: Mapping[str, Any], rules: SourceRules, by_label: Mapping[str, str]) -> SourceUnit:
    labels = [str(record[key]) for key in rules.unit_keys]
    code = next((by_label[label] for label in labels if label in by_label), None)
    if code is None:
        raise Invalid(f"names.csv has no row for the feature {' / '.join(labels)}")
    office, zone = rules.offices.get(str(record[rules.office])), rules.zones.get(str(record[rules.zone]))
    if office is None or zone is None:
        raise Invalid(f"{code}: city.toml does not know its office or zone")
    shape = shapely.force_2d(record["geometry"])
    if shape is None or shape.geom_type not in {"Polygon", "MultiPolygon"} or not shape.is_valid or shape.is_empty:
        raise Invalid(f"{code}: its limits are not a valid polygon")
    return SourceUnit(code, office, zone, shape)
