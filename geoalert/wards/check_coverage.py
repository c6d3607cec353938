"""Checks of wards against each other, period by period: overlaps, gaps, tiers, counts, areas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
import shapely

from geoalert.wards.check_records import shape_faults
from geoalert.wards.config import CityConfig, Expected
from geoalert.wards.finding import Finding
from geoalert.wards.model import LEVELS, Ward, WardTree
from geoalert.wards.projection import Shapes, area_km2, to_degrees, to_metres
from geoalert.wards.topology import holes, slits

# Below this a shared area (m2) is the noise of computing it, not ground.
NOISE_M2: Final = 0.01
STATED_KM2: Final = 0.001  # areas are stated to three decimals
# Ground narrower than this (m) between two units that is open to the outside is a drawing fault, not a border.
SLIT_M: Final = 20.0


def check_coverage(tree: WardTree, config: CityConfig) -> Iterator[Finding]:
    """Faults between the wards in force after each change of the tree."""
    for day in tree.begins:
        held = tree.in_force(day)
        if not held:
            continue
        sound = [ward for ward in held if not any(shape_faults(ward, config))]
        for level in LEVELS:
            yield from _overlaps([ward for ward in sound if ward.level == level], config.epsg)
        yield from _gaps([ward for ward in sound if ward.level == "unit"], config)
        yield from _tiers(held, sound, config.epsg)
        yield from _stated(sound, config.epsg)
        expected = [row for row in config.expected if row.since <= day]
        if expected:
            yield from _published(held, sound, day, max(expected, key=lambda row: row.since), config)


def _shapes(wards: Sequence[Ward]) -> Shapes:
    return np.array([ward.geometry for ward in wards], dtype=object)


def _place(shape: shapely.Geometry) -> tuple[float, float]:
    point = shape.representative_point()
    return point.x, point.y


def _overlaps(wards: Sequence[Ward], epsg: int) -> Iterator[Finding]:
    shapes = _shapes(wards)
    if not wards or shapely.coverage_is_valid(list(shapes)):
        return
    clear = True
    for one, two in shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist():
        # Taken in degrees and then measured: projected edges with other vertices would part from each other.
        both = shapes[one].intersection(shapes[two]) if one < two else shapely.Polygon()
        shared = area_km2(both, epsg) * 1e6
        if shared > NOISE_M2:
            clear = False
            yield Finding("overlap", (wards[one].code, wards[two].code), f"they share {shared:.2f} m2", _place(both))
    if clear:
        bad = ~shapely.is_empty(shapely.coverage_invalid_edges(list(shapes)))
        codes = tuple(ward.code for ward, wrong in zip(wards, bad.tolist(), strict=True) if wrong)
        yield Finding("edges", codes, "the vertices of a common edge differ")


def _gaps(units: Sequence[Ward], config: CityConfig) -> Iterator[Finding]:
    if not units:
        return
    open_gaps = list(config.gaps)
    shapes = _shapes(units)
    open_to_outside = (to_degrees(slit, config.epsg) for slit in slits(to_metres(shapes, config.epsg), SLIT_M))
    for hole in (*holes(shapes), *open_to_outside):
        known = next((gap for gap in open_gaps if hole.contains(shapely.Point(gap.at))), None)
        size = area_km2(hole, config.epsg)
        if known is not None and abs(size - known.area_km2) <= max(known.area_km2 / 100, STATED_KM2):
            open_gaps.remove(known)
            continue
        around = tuple(unit.code for unit in units if unit.geometry.intersects(hole))
        where = f"{size * 1e6:.2f} m2 at {hole.centroid.x:.5f} {hole.centroid.y:.5f}"
        yield Finding("gap", around, where, _place(hole))
        if known is not None:
            open_gaps.remove(known)
    for gap in open_gaps:
        over = tuple(unit.code for unit in units if unit.geometry.contains(shapely.Point(gap.at)))
        yield Finding("missing-gap", over, f"{gap.name} is not left open", gap.at)


def _tiers(held: Sequence[Ward], sound: Sequence[Ward], epsg: int) -> Iterator[Finding]:
    above = {"unit": "office", "office": "zone", "zone": None}
    levels = {ward.code: ward.level for ward in held}
    for ward in held:
        if levels.get(ward.parent or "") != above[ward.level]:
            yield Finding("parent", (ward.code,), f"its parent is {ward.parent!r}")
    whole = {ward.code for ward in sound}
    for ward in sound:
        below = [child for child in held if child.parent == ward.code]
        # Where a child's limits are unsound that is the finding; the difference it makes here is not another.
        if ward.level == "unit" or not all(child.code in whole for child in below):
            continue
        together = shapely.union_all(_shapes(below)) if below else shapely.Polygon()
        apart = area_km2(ward.geometry.symmetric_difference(together), epsg) * 1e6
        if apart > NOISE_M2:
            yield Finding("containment", (ward.code,), f"differs by {apart:.2f} m2 from the wards below it")


def _stated(sound: Sequence[Ward], epsg: int) -> Iterator[Finding]:
    for ward in sound:
        size = area_km2(ward.geometry, epsg)
        if abs(size - ward.area_km2) > STATED_KM2:
            yield Finding("area", (ward.code,), f"measures {size:.3f} km2, states {ward.area_km2:.3f}")


def _published(
    held: Sequence[Ward], sound: Sequence[Ward], day: date, expected: Expected, config: CityConfig
) -> Iterator[Finding]:
    for level in LEVELS:
        count = sum(ward.level == level for ward in held)
        if count != expected.counts[level]:
            yield Finding("count", (), f"{count} {level}s on {day}; {expected.counts[level]} are published")
    total = sum(area_km2(ward.geometry, config.epsg) for ward in sound if ward.level == "unit")
    if abs(total / expected.area_km2 - 1) * 100 > config.tolerance_percent:
        yield Finding("area", (), f"the city measures {total:.2f} km2 on {day}; {expected.area_km2:.2f} is published")
