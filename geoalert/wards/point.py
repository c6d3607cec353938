"""A point as a person gives it: latitude first."""

from __future__ import annotations

import math
from typing import Final

from geoalert.errors import Invalid
from geoalert.wards.config import Bbox

MAX_LAT: Final = 90.0
MAX_LON: Final = 180.0
# A point this far (degrees) around the city counts as meant for it when we ask whether the two were swapped.
NEAR: Final = 1.0


def parse_point(lat: str | float | None, lon: str | float | None, bbox: Bbox) -> tuple[float, float]:
    """The point as (lon, lat) in degrees. A point elsewhere in the world is taken: it is outside, not wrong.

    Raises Invalid at /lat or /lon for what is not a finite number (Devanagari digits are), is out of range, or has
    latitude and longitude swapped. The reason never repeats the numbers: they may be somebody's home.
    """
    y, x = _number(lat, "latitude", "/lat"), _number(lon, "longitude", "/lon")
    if not bbox.holds(x, y, NEAR) and bbox.holds(y, x, NEAR):
        raise Invalid("latitude and longitude look swapped; give latitude first", pointer="/lat")
    if abs(y) > MAX_LAT:
        raise Invalid("latitude must be between -90 and 90 degrees", pointer="/lat")
    if abs(x) > MAX_LON:
        raise Invalid("longitude must be between -180 and 180 degrees", pointer="/lon")
    return x, y


def _number(value: str | float | None, name: str, pointer: str) -> float:
    wrong = Invalid(f"{name} must be a number of degrees, such as 12.3456", pointer=pointer)
    # A bool is an int, and float() takes "1_8": neither was meant.
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value):
        raise wrong
    try:
        number = float(value)
    except (ValueError, OverflowError) as broken:
        raise wrong from broken
    if not math.isfinite(number):
        raise wrong
    return number
