"""An alert for all ground within so many metres of a point."""

from __future__ import annotations

import json
from typing import Any

from geoalert.alerts import find_alert, newest
from geoalert.alerts.circle import WGS84
from geoalert.operations.demo_story import ALL_CLEAR
from tests.workbench import KOTHRUD, Chain

RADIUS = 500.0


def away(metres: float) -> tuple[float, float]:
    lon, lat, _ = WGS84.fwd(*KOTHRUD, 30.0, metres)
    return float(lon), float(lat)


async def test_a_circle_tells_whoever_lives_within_it_and_is_kept_as_asked(chain: Chain) -> None:
    within = [await chain.settle(), await chain.settle(at=away(RADIUS - 0.1))]
    await chain.settle(at=away(RADIUS + 1))
    circle: dict[str, Any] = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(KOTHRUD)},
        "properties": {"radius_m": RADIUS},
    }
    identifier, released = await chain.sent(wards=[], drawn=circle)
    assert released.people == len(within)
    await chain.carry()
    await chain.cancel(identifier, ALL_CLEAR)
    async with chain.house.store.reading() as session:
        clear = await newest(session, await find_alert(session, identifier))
    area = json.loads(clear.content)["area"]
    assert area["circles"] == [{"lon": KOTHRUD[0], "lat": KOTHRUD[1], "radius_m": RADIUS}]
    assert area["drawn"]["type"] == "Polygon"
