"""Where a point is: zone, office and unit on a day, and how near the next office is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geoalert.wards.index import WardIndex
from geoalert.wards.model import Ward
from geoalert.wards.raster import OUTSIDE

# How well the lines are known: two drawings of the same limits differ by 42 m in the middle case.
UNCERTAIN_M: Final = 50.0


@dataclass(frozen=True, slots=True)
class Location:
    """The answer for one point (degrees, EPSG:4326) on one day.

    Inside, `zone`, `office` and `unit` are the records in force and agree with each other. Outside, all three are
    None: the nearest office is in `other_office` for information and is never the answer.
    `metres_to_other_office` (right to 0.1 %) is to `other_office`, the nearest that is not the point's own; None if
    the city has no other. `uncertain` means under 50 m: treat the point as either's.
    """

    lon: float
    lat: float
    on: date
    epoch: str
    zone: Ward | None
    office: Ward | None
    unit: Ward | None
    other_office: Ward | None
    metres_to_other_office: float | None
    note: str

    @property
    def inside(self) -> bool:
        return self.unit is not None

    @property
    def outside(self) -> bool:
        return self.unit is None

    @property
    def uncertain(self) -> bool:
        return self.metres_to_other_office is not None and self.metres_to_other_office < UNCERTAIN_M


def locate(index: WardIndex, lon: float, lat: float, on: date) -> Location:
    """Where the point is on that day; see the index for a point on a line. Raises Invalid for a day not held.

    The coordinates must be finite numbers: `parse_point` sees to it where a person typed them.
    """
    period = index.period(on)
    unit = period.unit_at(lon, lat)
    near = period.nearest_office(lon, lat, unit)
    office, zone = (None, None) if unit == OUTSIDE else period.parents[unit]
    return Location(
        lon,
        lat,
        on,
        period.epoch.label,
        zone,
        office,
        None if unit == OUTSIDE else period.units[unit],
        None if near is None else near[1],
        None if near is None else near[0],
        period.epoch.note if index.tree.epochs else index.note,
    )


def locate_many(index: WardIndex, lons: ArrayLike, lats: ArrayLike, on: date) -> NDArray[np.int64]:
    """For each point the number of its unit in `index.units`, or -1 outside; the same answers as `locate`.

    A coordinate that is not a number is outside. Raises Invalid for a day not held and for lists of unequal length.
    """
    return index.positions(lons, lats, on)


def to_brief(location: Location) -> dict[str, Any]:
    """What differs from point to point, as flat JSON; distances in metres to one decimal; `nearest` only outside."""
    metres = location.metres_to_other_office
    rounded = None if metres is None else round(metres, 1)
    answer: dict[str, Any] = {
        "lat": location.lat,
        "lon": location.lon,
        "inside": location.inside,
        "zone": location.zone and location.zone.number,
        "zone_code": location.zone and location.zone.code,
        "office": location.office and location.office.name_en,
        "office_code": location.office and location.office.code,
        "unit": location.unit and location.unit.name_en,
        "unit_code": location.unit and location.unit.code,
        "metres_to_other_office": rounded,
        "other_office_code": location.other_office and location.other_office.code,
        "uncertain": location.uncertain,
        "outside": location.outside,
    }
    if location.outside and location.other_office is not None:
        nearest = location.other_office
        answer["nearest"] = {"office": nearest.name_en, "office_code": nearest.code, "metres": rounded}
    return answer


def to_json(location: Location) -> dict[str, Any]:
    """The answer for one point, with every name and what must be said with it."""
    tiers = {"zone": location.zone, "office": location.office, "unit": location.unit}
    return {
        **to_brief(location),
        "names": {tier: ward and ward.names for tier, ward in tiers.items()},
        "epoch": location.epoch,
        "on": location.on.isoformat(),
        "note": location.note,
    }
