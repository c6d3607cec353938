"""The ground a message is for: one reading of what was asked, for the message, its preview and its plan alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geoalert.alerts.area import choose_areas, ward_shape
from geoalert.alerts.circle import Circle
from geoalert.alerts.drawn import read_drawn
from geoalert.alerts.widen import widened
from geoalert.errors import Invalid
from geoalert.subscribers.codes import EMERGENCIES
from geoalert.wards.service_area import ServiceArea


@dataclass(frozen=True, slots=True)
class Geography:
    """What alerts need to know of the city today."""

    bounds: tuple[float, float, float, float]
    epoch: str
    ward_geometry: Callable[[str], BaseGeometry]
    """Geometry of a ward in force by its code; raises NotFound."""
    areas: Mapping[str, ServiceArea] = field(default_factory=dict)
    """Service areas in force by code; those a request names are enough."""
    epsg: int = 0
    """The city's grid in metres; needed where `widen_m` is not 0."""
    widen_m: int = 0
    """Metres by which wards are widened for what is Severe or Extreme."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`area` is the (multi)polygon in EPSG:4326 that is stored, drawn, hashed and tested against. `widened_m` says by
    how much its wards were widened; drawn shapes and service areas are in it as they are;
    the `circles` in what was drawn are also given as they were asked for.
    """

    area: BaseGeometry
    wards: tuple[str, ...]
    areas: tuple[ServiceArea, ...]
    drawn: Polygon | MultiPolygon | None
    widened_m: int
    circles: tuple[Circle, ...] = ()


def read_ground(
    geography: Geography,
    severity: str,
    wards: Sequence[str],
    areas: Sequence[str],
    drawn: Mapping[str, Any] | None,
    *,
    drill: bool,
) -> Ground:
    """The union of wards, service areas and a drawn shape; wards widened where the severity asks for it.

    Raises:
        Invalid: points at the part that is wrong, or nothing is given.
    """
    read = None if drawn is None else read_drawn(drawn, geography.bounds)
    shape = None if read is None else read.shape
    codes = tuple(dict.fromkeys(wards))
    chosen = choose_areas(areas, geography.areas, drill=drill)
    if not codes and not chosen and shape is None:
        raise Invalid("an alert needs an area: wards, service areas or a drawn shape", pointer="/area")
    parts: list[BaseGeometry] = [area.geometry for area in chosen]
    if shape is not None:
        parts.append(shape)
    metres = 0
    if codes:
        ward = ward_shape(codes, geography.ward_geometry)
        metres = geography.widen_m if severity in EMERGENCIES else 0
        parts.append(widened(ward, metres, geography.epsg) if metres else ward)
    area = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    return Ground(area, codes, chosen, shape, metres, () if read is None else read.circles)
