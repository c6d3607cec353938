"""How far beyond a city its alerts reach: no drawn area lies farther off, so nobody's place does."""

from __future__ import annotations

from typing import Final

from geoalert.wards.config import Bbox
from geoalert.wards.distance import metres_per_degree

FARTHEST_KM: Final = 100  # from there upstream a flood may come, and no message is about more


def around(city: Bbox) -> Bbox:
    """The city's box, wider by about `FARTHEST_KM` on every side."""
    across, along = metres_per_degree(max(city.south, city.north, key=abs))
    wide, high = FARTHEST_KM * 1_000 / across, FARTHEST_KM * 1_000 / along
    return Bbox(city.west - wide, city.south - high, city.east + wide, city.north + high)
