"""Service areas from a file a utility gives: GeoJSON, GeoPackage, Shapefile or KML. Needs the extra `geoalert[wards]`.

Its columns are `code`, `kind`, `name_en`, `name_mr`, `name_hi`, `department`, `source` and, where they are not the
import's own, `valid_from`, `valid_to` and `illustrative`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import shapely

from geoalert.errors import Invalid
from geoalert.wards.config import CityConfig
from geoalert.wards.layer import Feature, read_layer
from geoalert.wards.service_area import KINDS, ServiceArea
from geoalert.wards.words import require_seen

CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST: Final = {"code": 60, "name_en": 120, "name_mr": 120, "name_hi": 120, "department": 60, "source": 300}
DEVANAGARI: Final = re.compile(r"[\u0900-\u097f]")
YES: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
PLACES: Final = 7  # decimals: 1.1 cm, as of drawn areas
MOST_CORNERS: Final = 20_000


def read_areas(
    path: Path, config: CityConfig, valid_from: date | None, done: Counter[str], *, illustrative: bool = False
) -> list[ServiceArea]:
    """The areas of a file, in file order; `valid_from` stands in where a feature has none, and repairs of shapes are
    counted in `done`.

    Raises:
        Invalid: names the feature and its fault, or an illustrative area where `illustrative` was not said.
    """
    found: dict[str, ServiceArea] = {}
    for feature in read_layer(path, config, done):
        area = _area(feature, valid_from)
        if area.code in found:
            raise Invalid(f"{feature.where}: the code {area.code} is there twice", pointer="/code")
        if area.illustrative and not illustrative:
            raise Invalid(
                f"{feature.where} is illustrative: no utility stands behind it. Say --illustrative to import it for"
                " drills",
                pointer="/illustrative",
            )
        found[area.code] = area
    return list(found.values())


def _area(feature: Feature, valid_from: date | None) -> ServiceArea:
    where, values = feature.where, {name: unicodedata.normalize("NFC", text) for name, text in feature.values.items()}
    _require_words(values, where)
    since, until = _period(values, valid_from, where)
    flag = values.get("illustrative", "").lower()
    if flag not in YES:
        raise Invalid(f"{where}: illustrative is true or false", pointer="/illustrative")
    return ServiceArea(
        code=values["code"],
        kind=values["kind"],
        name_en=values["name_en"],
        name_mr=values["name_mr"],
        name_hi=values["name_hi"],
        department=values["department"],
        valid_from=since,
        valid_to=until,
        illustrative=YES[flag],
        source=values["source"],
        geometry=_snapped(feature),
    )


def _require_words(values: Mapping[str, str], where: str) -> None:
    for name, longest in LONGEST.items():
        if not values.get(name, ""):
            raise Invalid(f"{where} has no {name}", pointer=f"/{name}")
        if len(values[name]) > longest:
            raise Invalid(f"{where}: {name} has more than {longest} characters", pointer=f"/{name}")
        require_seen(values[name], where, name)
    if not CODE.fullmatch(values["code"]):
        raise Invalid(f"{where}: a code is written like parvati-hlr", pointer="/code")
    if values.get("kind") not in KINDS:
        raise Invalid(f"{where}: kinds are {', '.join(KINDS)}", pointer="/kind")
    for name in ("name_mr", "name_hi"):
        if not DEVANAGARI.search(values[name]):
            raise Invalid(f"{where}: {name} is not in Devanagari", pointer=f"/{name}")


def _period(values: Mapping[str, str], valid_from: date | None, where: str) -> tuple[date, date | None]:
    since = _day(values, "valid_from", where) or valid_from
    if since is None:
        raise Invalid(f"{where} has no valid_from; say --from DATE", pointer="/valid_from")
    until = _day(values, "valid_to", where)
    if until is not None and until <= since:
        raise Invalid(f"{where} ends before it begins", pointer="/valid_to")
    return since, until


def _snapped(feature: Feature) -> shapely.Polygon | shapely.MultiPolygon:
    if shapely.get_num_coordinates(feature.shape) > MOST_CORNERS:
        raise Invalid(f"{feature.where} has more than {MOST_CORNERS} corners; simplify it", pointer="/geometry")
    shape: shapely.Polygon | shapely.MultiPolygon = shapely.transform(feature.shape, lambda at: at.round(PLACES))
    if not shape.is_valid:
        raise Invalid(f"{feature.where} is finer than {PLACES} decimals can hold; simplify it", pointer="/geometry")
    return shape


def _day(values: Mapping[str, str], name: str, where: str) -> date | None:
    text = values.get(name, "")
    try:
        return date.fromisoformat(text.replace("/", "-")) if text else None
    except ValueError:
        raise Invalid(f"{where}: {name} is written 2026-11-21", pointer=f"/{name}") from None
