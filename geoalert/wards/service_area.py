"""Service areas: the ground a tank, a pumping station or a feeder serves. They stand beside the tree of wards.

A utility's area follows its pipes and wires, so it nests in no ward; an alert names it as it names an office.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

from shapely.geometry import MultiPolygon, Polygon

from geoalert.languages import LANGUAGES, Language

KINDS: Final[Mapping[str, Mapping[Language, str]]] = {
    "tank-zone": {"en": "water tank's area", "mr": "टाकी परिसर", "hi": "टंकी क्षेत्र"},
    "pumping-zone": {"en": "pumping station's area", "mr": "पंपिंग केंद्र परिसर", "hi": "पंपिंग केंद्र क्षेत्र"},
    "treatment-zone": {"en": "water works' area", "mr": "जलकेंद्र परिसर", "hi": "जलकेंद्र क्षेत्र"},
    "drainage-zone": {"en": "drainage area", "mr": "मलनिःसारण परिसर", "hi": "जल-निकासी क्षेत्र"},
    "substation": {"en": "substation's area", "mr": "उपकेंद्र परिसर", "hi": "उपकेंद्र क्षेत्र"},
    "feeder": {"en": "feeder's area", "mr": "फीडर परिसर", "hi": "फीडर क्षेत्र"},
}


@dataclass(frozen=True, slots=True)
class ServiceArea:
    """One area for one period, in degrees (EPSG:4326, lon, lat). `valid_to` is the first day on which it no longer
    holds. `version` counts a code's records from 1; 0 is not yet numbered.

    An `illustrative` area was drawn to show how areas work and no utility stands behind it: it serves drills only.
    """

    code: str
    kind: str
    name_en: str
    name_mr: str
    name_hi: str
    department: str
    valid_from: date
    valid_to: date | None
    illustrative: bool
    source: str
    geometry: Polygon | MultiPolygon
    version: int = 0

    @property
    def names(self) -> dict[Language, str]:
        """The name in every language."""
        return {language: cast("str", getattr(self, f"name_{language}")) for language in LANGUAGES}


def to_facts(area: ServiceArea) -> dict[str, Any]:
    """Everything but the shape, as JSON."""
    return {
        "code": area.code,
        "kind": area.kind,
        "kind_names": dict(KINDS[area.kind]),
        "names": area.names,
        "department": area.department,
        "version": area.version,
        "valid_from": area.valid_from.isoformat(),
        "valid_to": area.valid_to and area.valid_to.isoformat(),
        "illustrative": area.illustrative,
        "source": area.source,
    }
