"""Checks of single records: codes, periods, coordinates, names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import shapely

from geoalert.languages import LANGUAGES
from geoalert.wards.config import CityConfig
from geoalert.wards.finding import Finding
from geoalert.wards.model import LEVELS, Ward, WardTree
from geoalert.wards.point import MAX_LAT, MAX_LON

SCRIPTS: Final = {"en": "LATIN", "mr": "DEVANAGARI", "hi": "DEVANAGARI"}


def check_records(tree: WardTree, config: CityConfig) -> Iterator[Finding]:
    """Faults that one record, or one code's records, show by themselves."""
    for ward in tree.wards:
        yield from _period(ward, config)
        yield from shape_faults(ward, config)
        yield from _names(ward)
    for code, records in tree.by_code.items():
        for one, two in pairwise(records):
            if one.valid_to is None or two.valid_from < one.valid_to:
                yield Finding("duplicate", (code,), f"two records hold on {two.valid_from}")
    yield from _aliases(tree)


def shape_faults(ward: Ward, config: CityConfig) -> Iterator[Finding]:
    """Faults of the limits alone; a ward with one is left out of the checks that compare wards."""
    shape = ward.geometry
    if shape.is_empty:
        yield Finding("invalid", (ward.code,), "the limits are empty")
        return
    west, south, east, north = shape.bounds
    if not (-MAX_LON <= west <= east <= MAX_LON):
        yield Finding("crs", (ward.code,), f"x runs from {west:.0f} to {east:.0f}: not degrees (EPSG:4326)")
        return
    inside = config.bbox.holds(west, south) and config.bbox.holds(east, north)
    if not inside and config.bbox.holds(south, west) and config.bbox.holds(north, east):
        yield Finding("swapped", (ward.code,), "latitude comes before longitude")
    elif not (-MAX_LAT <= south <= north <= MAX_LAT):
        yield Finding("crs", (ward.code,), f"y runs from {south:.0f} to {north:.0f}: not degrees (EPSG:4326)")
    elif not inside:
        yield Finding("elsewhere", (ward.code,), f"reaches {west:.3f} {south:.3f} {east:.3f} {north:.3f}")
    if not shapely.is_valid(shape):
        yield Finding("invalid", (ward.code,), shapely.is_valid_reason(shape))


def _period(ward: Ward, config: CityConfig) -> Iterator[Finding]:
    if ward.valid_to is not None and ward.valid_to <= ward.valid_from:
        yield Finding("period", (ward.code,), f"ends on {ward.valid_to}, begins on {ward.valid_from}")
    if ward.valid_from < config.valid_from:
        yield Finding("period", (ward.code,), f"begins on {ward.valid_from}, before the epoch")


def _names(ward: Ward) -> Iterator[Finding]:
    for language in LANGUAGES:
        name = ward.name(language)
        scripts = {unicodedata.name(letter, "").split()[0] for letter in name if letter.isalpha()}
        if not name.strip():
            yield Finding("name", (ward.code,), f"no name in {language}")
        elif scripts != {SCRIPTS[language]} or not unicodedata.is_normalized("NFC", name):
            yield Finding("name", (ward.code,), f"the name in {language} is not in its script or not composed")


def _aliases(tree: WardTree) -> Iterator[Finding]:
    for level in LEVELS:
        holders: dict[str, set[str]] = {}
        for ward in tree.wards:
            if ward.level == level:
                for name in {*ward.names.values(), *ward.aliases}:
                    holders.setdefault(name.casefold(), set()).add(ward.code)
        for name, codes in holders.items():
            if len(codes) > 1:
                yield Finding("alias", tuple(sorted(codes)), f"both are called {name!r}")
