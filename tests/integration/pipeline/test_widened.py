"""Wards of a Severe or Extreme message reach 50 m beyond their line, in preview, store and hash alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import shapely
from sqlalchemy import select

from geoalert.alerts import find_alert, messages_of
from geoalert.alerts.tables import Message
from geoalert.operations.compose import compose, outline
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.preview import Asked, preview
from geoalert.wards.projection import to_degrees, to_metres
from tests.workbench import Chain

OFFICE = "kothrud-bavdhan"
EPSG = 32643


def beyond(line: shapely.Polygon, metres: float) -> tuple[float, float]:
    """A spot so far outside the line, at its westmost corner: no other part of it is nearer."""
    shape = to_metres(line, EPSG)
    west = min(shapely.get_coordinates(shape).tolist())
    spot = shapely.Point(west[0] - metres, west[1])
    assert spot.distance(shape) == pytest.approx(metres)
    at = to_degrees(spot, EPSG)
    return at.x, at.y


def line_of(chain: Chain) -> Any:
    return chain.house.desk.city.tree.by_code[OFFICE][-1].geometry


async def previewed(chain: Chain, severity: str, *, exact: bool) -> int:
    house = chain.house
    asked = Asked(category="water-supply", severity=severity, channels=("push", "sms"), wards=[OFFICE])
    return (await preview(house.desk, house.journal, asked, "test", exact=exact)).people


async def test_a_low_role_cannot_tell_the_ring_from_the_ward(chain: Chain) -> None:
    for _ in range(10):
        await chain.settle(at=beyond(line_of(chain), 30))
    assert await previewed(chain, "Severe", exact=True) == 10
    assert await previewed(chain, "Severe", exact=False) == await previewed(chain, "Moderate", exact=False) == 0


async def test_who_lives_at_the_line_is_told_of_what_is_grave(chain: Chain) -> None:
    line = line_of(chain)
    await chain.settle(at=beyond(line, 30))
    await chain.settle(at=beyond(line, 60))
    identifier, severe = await chain.sent(severity="Severe")
    assert severe.people == 1
    _, extreme = await chain.broadcast()
    assert extreme.people == 1
    desk = chain.house.desk
    async with chain.house.store.reading() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        area = await outline(session, desk, "Severe", [OFFICE], [], None, drill=False)
        mild = await outline(session, desk, "Moderate", [OFFICE], [], None, drill=False)
        stored = await session.scalar(select(Message.area).where(Message.id == message.id))
    assert (await previewed(chain, "Severe", exact=True), await previewed(chain, "Moderate", exact=True)) == (1, 0)
    assert stored is not None
    assert stored.normalize().equals_exact(area.normalize(), 0)
    assert mild.equals(line)
    assert json.loads(message.content)["area"]["widened_m"] == 50


@pytest.mark.parametrize("changes", [{}, {"severity": "Severe", "wards": []}])
async def test_a_mild_message_and_a_drawn_area_keep_to_the_line(chain: Chain, changes: dict[str, Any]) -> None:
    line = line_of(chain)
    await chain.settle(at=beyond(line, 30))
    if "wards" in changes:
        changes = changes | {"drawn": json.loads(shapely.to_geojson(line))}
    alert, message = await chain.drafted(**changes)
    assert json.loads(message.content)["area"]["widened_m"] == 0
    await chain.approve(alert.identifier, message.content_hash)
    assert (await chain.send(alert.identifier, confirm_empty=True)).people == 0


async def test_the_hash_covers_the_widening_and_the_all_clear_keeps_it(chain: Chain) -> None:
    await chain.settle(at=beyond(line_of(chain), 30))
    request = await chain.request(severity="Severe")
    async with chain.house.store.reading() as session:
        wide, exact = [
            json.loads((await compose(session, replace(chain.house.desk, widen_m=metres), request)).document())["area"]
            for metres in (50, 0)
        ]
    assert (wide["widened_m"], exact["widened_m"]) == (50, 0)
    assert wide["sha256"] != exact["sha256"]
    identifier, _ = await chain.sent(severity="Severe")
    await chain.carry()
    cleared = await chain.cancel(identifier, ALL_CLEAR)
    assert cleared.people == 1
    async with chain.house.store.reading() as session:
        first, last = await messages_of(session, await find_alert(session, identifier))
    assert json.loads(last.content)["area"] == json.loads(first.content)["area"]
