"""The product's files: RFC 7946 GeoJSON, lon lat, one feature on each line so that differences can be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, mapping, shape

from geoalert.errors import Invalid
from geoalert.wards.model import LEVELS, Ward


def write_text(wards: Iterable[Ward], about: Mapping[str, str]) -> str:
    """A feature collection in the given order; `about` becomes members of the collection (attribution, epoch)."""
    head = json.dumps({"type": "FeatureCollection", **about}, ensure_ascii=False)
    lines = ",\n".join(json.dumps(feature(ward, about["epoch"]), ensure_ascii=False) for ward in wards)
    return f'{head[:-1]}, "features": [\n{lines}\n]}}\n'


def feature(ward: Ward, epoch: str) -> dict[str, Any]:
    """A ward as a GeoJSON feature; `valid_to` is the first day on which it no longer holds, or null."""
    return {
        "type": "Feature",
        "properties": {
            "code": ward.code,
            "level": ward.level,
            "kind": ward.kind,
            **{f"name_{language}": name for language, name in ward.names.items()},
            "parent": ward.parent,
            "valid_from": ward.valid_from.isoformat(),
            "valid_to": ward.valid_to and ward.valid_to.isoformat(),
            "epoch": epoch,
            "aliases": list(ward.aliases),
            "area_km2": ward.area_km2,
        },
        "geometry": mapping(ward.geometry),
    }


def read_text(text: str, name: str) -> list[Ward]:
    """The wards of such a file, in file order. Raises Invalid with a pointer to the feature that is wrong.

    Limits are taken as they stand, sound or not: `check` is what judges them.
    """
    try:
        document = json.loads(text)
    except ValueError as broken:
        raise Invalid(f"{name} is not JSON: {broken}") from broken
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise Invalid(f"{name} is not a GeoJSON feature collection", pointer="/features")
    return [_ward(item, f"/features/{number}", name) for number, item in enumerate(document["features"])]


def _ward(item: Any, pointer: str, name: str) -> Ward:  # noqa: ANN401 - decoded JSON
    try:
        facts = item["properties"]
        if facts["level"] not in LEVELS:
            raise Invalid(f"{name}: the level must be one of {', '.join(LEVELS)}", pointer=f"{pointer}/properties")
        limits = shape(item["geometry"])
        if not isinstance(limits, (Polygon, MultiPolygon)):
            raise Invalid(f"{name}: a ward's limits must be a polygon", pointer=f"{pointer}/geometry")
        return Ward(
            code=facts["code"],
            level=facts["level"],
            kind=facts["kind"],
            name_en=facts["name_en"],
            name_mr=facts["name_mr"],
            name_hi=facts["name_hi"],
            parent=facts["parent"],
            valid_from=date.fromisoformat(facts["valid_from"]),
            valid_to=date.fromisoformat(facts["valid_to"]) if facts["valid_to"] else None,
            aliases=tuple(facts["aliases"]),
            geometry=limits,
            area_km2=float(facts["area_km2"]),
        )
    except KeyError as missing:
        raise Invalid(f"{name}: a feature lacks {missing.args[0]!r}", pointer=pointer) from missing
    except (TypeError, ValueError, AttributeError, ShapelyError) as wrong:
        raise Invalid(f"{name}: a feature has a value of the wrong kind ({wrong})", pointer=pointer) from wrong
