"""Makes a city's product from the city's own layer. Needs the extra `geoalert[wards]`.

Same source, same folder, same versions of GEOS and PROJ: the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import shapely

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig
from geoalert.wards.config_file import read_config
from geoalert.wards.geojson import write_text
from geoalert.wards.model import Level, Ward, WardTree
from geoalert.wards.naming import NameRow, read_names
from geoalert.wards.product import FILES
from geoalert.wards.projection import Shapes, area_km2
from geoalert.wards.source import SourceUnit, read_source
from geoalert.wards.topology import clean, dissolve, drift, simplify


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made. Areas in km2 by the day from which they hold, `area_change_percent` and `hausdorff_m` the
    worst of any unit, `sha256` by file name.
    """

    counts: Mapping[Level, int]
    areas_km2: Mapping[date, float]
    source_vertices: int
    vertices: int
    area_change_percent: float
    hausdorff_m: float
    bytes: Mapping[str, int]
    sha256: Mapping[str, str]


def build_product(source: Path, city_dir: Path) -> BuildReport:
    """Writes zones, offices and units of the city into `city_dir`, from `source`, a file OGR can read.

    Raises Invalid, before anything is written, if the source is not what city.toml and names.csv describe, or if a
    unit would move further than city.toml allows.
    """
    config, names = read_config(city_dir), read_names(city_dir)
    if config.source is None:
        raise Invalid("city.toml has no [source]; bring the layer in with `geoalert wards import`")
    found = read_source(source, config, config.source, names)
    drawn: Shapes = np.array([unit.geometry for unit in found], dtype=object)
    rules = config.source
    shapes = simplify(clean(drawn, rules.gap_width_m), rules.simplify_m, epsg=config.epsg, decimals=rules.decimals)
    change, apart = drift(drawn, shapes, config.epsg)
    if change > rules.area_change_percent or apart > rules.hausdorff_m:
        raise Invalid(f"a unit would change by {change:.3f} % or move by {apart:.1f} m; lower simplify_m in city.toml")

    tree = make_tree(found, shapes, config, names)
    about = {"name": config.key, "epoch": config.epoch, "attribution": config.attribution, "note": config.note}
    written: dict[str, bytes] = {}
    for level, name in FILES.items():
        rows = sorted((ward for ward in tree.wards if ward.level == level), key=lambda w: (w.code, w.valid_from))
        written[name] = write_text(rows, about).encode()
    for name, content in written.items():
        (city_dir / name).write_bytes(content)
    return BuildReport(
        counts={level: len({ward.code for ward in tree.wards if ward.level == level}) for level in FILES},
        areas_km2={day: round(sum(unit.area_km2 for unit in tree.units(day)), 3) for day in tree.begins},
        source_vertices=int(shapely.get_num_coordinates(drawn).sum()),
        vertices=int(shapely.get_num_coordinates(shapes).sum()),
        area_change_percent=change,
        hausdorff_m=apart,
        bytes={name: len(content) for name, content in written.items()},
        sha256={name: sha256(content).hexdigest() for name, content in written.items()},
    )


def make_tree(found: list[SourceUnit], shapes: Shapes, config: CityConfig, names: Mapping[str, NameRow]) -> WardTree:
    """The three tiers; an office or zone that loses a unit has a record before that day and one after.

    `shapes` are the units' limits in degrees, in the order of `found`.
    """
    left = {code: leaving.on for leaving in config.leaving for code in leaving.units}
    units = [
        _ward(names, unit.code, unit.office, (config.valid_from, left.get(unit.code)), shape, config.epsg)
        for unit, shape in zip(found, shapes, strict=True)
    ]
    zone_of = _zones(found)
    offices = [
        _ward(names, code, zone_of[code], period, shape, config.epsg)
        for code in sorted(zone_of)
        for period, shape in _periods([unit for unit in units if unit.parent == code])
    ]
    zones = [
        _ward(names, code, None, period, shape, config.epsg)
        for code in sorted(set(zone_of.values()))
        for period, shape in _periods([unit for unit in units if zone_of[unit.parent or ""] == code])
    ]
    return WardTree(config.key, config.epoch, (*zones, *offices, *units))


def _zones(found: list[SourceUnit]) -> dict[str, str]:
    zone_of: dict[str, str] = {}
    for unit in found:
        if zone_of.setdefault(unit.office, unit.zone) != unit.zone:
            raise Invalid(f"{unit.code}: its office {unit.office} is in two zones")
    return zone_of


def _periods(units: list[Ward]) -> Iterator[tuple[tuple[date, date | None], shapely.Polygon | shapely.MultiPolygon]]:
    """The union of the units for each period in which it is the same, oldest first."""
    tree = WardTree("", "", tuple(units))
    ends: list[date | None] = [*tree.begins[1:], None]
    for first, end in zip(tree.begins, ends, strict=True):
        held = tree.units(first)
        if held:
            yield (first, end), dissolve(np.array([unit.geometry for unit in held], dtype=object))


def _ward(
    names: Mapping[str, NameRow],
    code: str,
    parent: str | None,
    period: tuple[date, date | None],
    shape: shapely.Polygon | shapely.MultiPolygon,
    epsg: int,
) -> Ward:
    row = names.get(code)
    if row is None:
        raise Invalid(f"names.csv has no row for {code}")
    return Ward(
        code=code,
        level=row.level,
        kind=row.kind,
        name_en=row.name_en,
        name_mr=row.name_mr,
        name_hi=row.name_hi,
        parent=parent,
        valid_from=period[0],
        valid_to=period[1],
        aliases=row.aliases,
        geometry=shape,
        area_km2=round(area_km2(shape, epsg), 3),
    )
