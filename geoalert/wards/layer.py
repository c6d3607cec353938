"""Reads any boundary layer OGR knows, feature by feature, into degrees. Needs the extra `geoalert[wards]`."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio
import shapely
from pyproj import Transformer
from pyproj.exceptions import ProjError

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig
from geoalert.wards.layer_guard import opened
from geoalert.wards.projection import Move
from geoalert.wards.repair import Shape, mend, require_place

# By suffix the drivers that may have read it. GDAL chooses by content, and has drivers that fetch from elsewhere.
DRIVERS: Final[Mapping[str, frozenset[str]]] = {
    ".geojson": frozenset({"GeoJSON"}),
    ".json": frozenset({"GeoJSON"}),
    ".gpkg": frozenset({"GPKG"}),
    ".shp": frozenset({"ESRI Shapefile"}),
    ".kml": frozenset({"KML", "LIBKML"}),
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: where it stands in words, its values as text (empty where it has none), its sound shape."""

    where: str
    values: Mapping[str, str]
    shape: Shape

    def value(self, column: str) -> str:
        """The value under that name, whatever its case: formats change it (KML has `Name`, a Shapefile `NAME`)."""
        found = (text for name, text in self.values.items() if name.casefold() == column.casefold())
        return self.values.get(column) or next(found, "")


def read_layer(path: Path, config: CityConfig, done: Counter[str]) -> list[Feature]:
    """Every feature of the file in file order, mended; what was mended is counted in `done`.

    Raises:
        Invalid: the file, or a feature by number, place and fault.
    """
    with opened(path) as layer:
        found = [
            Feature(where, values, mend(require_place(shape, where, config.bbox), where, config.epsg, done))
            for where, values, shape in _features(layer, config.importing.columns["code"], done)
        ]
    if not found:
        raise Invalid(f"{path.name} holds no feature")
    return found


def _features(
    layer: Path, code: str, done: Counter[str]
) -> Iterator[tuple[str, dict[str, str], shapely.Geometry | None]]:
    number = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what GDAL remarks on is what `mend` looks for
        for name in _layers(layer):
            meta, geometries, columns = _table(layer, name)
            names = [str(field) for field in meta["fields"]]
            move = _to_degrees(meta["crs"], layer.name)
            for row, raw in enumerate(geometries):
                number += 1
                values = {field: _text(column[row]) for field, column in zip(names, columns, strict=True)}
                label = f" ({values[code]})" if values.get(code) else ""
                where = f"{layer.name} feature {number}{label}"
                shape = _shape(raw, where, done)
                if shape is not None and not shape.is_empty:
                    shape = shapely.transform(shape, move, include_z=shape.has_z)
                yield where, values, shape


def _layers(layer: Path) -> list[str]:
    """The layers with geometry: the folders of a KML, and one in anything else."""
    try:
        found = [str(name) for name, kind in pyogrio.list_layers(layer) if kind is not None]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as broken:
        raise Invalid(f"{layer.name} is not a boundary file that can be read") from broken
    if not found:
        raise Invalid(f"{layer.name} holds no layer with geometry")
    if len(found) > 1 and layer.suffix.lower() != ".kml":
        raise Invalid(f"{layer.name} holds the layers {', '.join(found[:5])}; give a file with one")
    return found


def _table(layer: Path, name: str) -> tuple[dict[str, Any], Any, Any]:
    # Where a Shapefile does not say its encoding OGR guesses Latin-1, and makes nonsense of Devanagari.
    unsaid = layer.suffix.lower() == ".shp" and not layer.with_suffix(".cpg").exists()
    try:
        driver = pyogrio.read_info(layer, layer=name, encoding="UTF-8" if unsaid else None)["driver"]
        if driver not in DRIVERS[layer.suffix.lower()]:
            raise Invalid(f"{layer.name} is not what its name says: it holds {driver}")
        meta, _, geometries, columns = pyogrio.raw.read(layer, layer=name, encoding="UTF-8" if unsaid else None)
    except UnicodeDecodeError as broken:
        raise Invalid(f"{layer.name} holds text that is not UTF-8 and does not say what it is; add a .cpg") from broken
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as broken:
        raise Invalid(f"{layer.name} is not a boundary file that can be read") from broken
    if meta["crs"] is None:
        raise Invalid(f"{layer.name} does not say its coordinate reference system; a Shapefile says it in a .prj")
    return meta, geometries, columns


def _to_degrees(crs: str, name: str) -> Move:
    try:
        transformer = Transformer.from_crs(crs, 4326, always_xy=True)
    except ProjError as unknown:
        raise Invalid(f"{name} is in a coordinate reference system that is not known") from unknown
    return lambda points: np.column_stack([*transformer.transform(points[:, 0], points[:, 1]), *points[:, 2:].T])


def _shape(raw: bytes | None, where: str, done: Counter[str]) -> shapely.Geometry | None:
    if raw is None:
        return None
    try:
        return shapely.from_wkb(raw)
    except shapely.errors.ShapelyError:
        closed = shapely.from_wkb(raw, on_invalid="fix")
    if closed is None or closed.is_empty:
        raise Invalid(f"{where} has a ring of fewer than four positions")
    done["rings closed"] += 1
    return closed


def _text(value: object) -> str:
    """A cell as text: 7.0 is 7, and nothing is nothing."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()
