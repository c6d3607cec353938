"""What anybody may read."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

import pytest

from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.halts import halt
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.staff import Staff
from tests.integration.api.conftest import Door, refusal


@pytest.mark.requirement("S002-14")
async def test_a_point_has_its_office(door: Door) -> None:
    found = (await door.call("GET", "/v1/locate?lat=18.5074&lon=73.8077")).json()
    assert (found["office"], found["zone"], found["inside"]) == ("Kothrud-Bavdhan", 2, True)
    away = (await door.call("GET", "/v1/locate?lat=28.61&lon=77.21")).json()
    assert (away["inside"], away["office"]) == (False, None)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("lat=73.8077&lon=18.5074", "/lat"),
        ("lat=x&lon=73.8", "/lat"),
        ("lat=18.5&lon=nan", "/lon"),
        ("lat=18.5", "/lon"),
        ("lat=18.5&lon=73.8&at=yesterday", "/at"),
        ("lat=18.5&lon=73.8&at=2026-11-21T10:00:00", "/at"),
        ("lat=18.5&lon=73.8&at=9999-12-31T23:59:59-12:00", "/at"),
    ],
)
async def test_a_point_that_is_none_is_refused(door: Door, query: str, pointer: str) -> None:
    refusal(await door.call("GET", f"/v1/locate?{query}"), 422, pointer)


async def test_wards_by_day_and_level_with_and_without_lines(door: Door) -> None:
    units = (await door.call("GET", "/v1/wards?level=unit")).json()
    before = (await door.call("GET", "/v1/wards?level=unit&at=2024-09-10")).json()
    assert (len(units), len(before)) == (73, 75)
    assert "geometry" not in units[0]
    for path, accept in (("/v1/wards", "application/geo+json"), ("/v1/wards?format=geojson", "*/*")):
        answer = await door.call("GET", path, headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/geo+json"
        assert len(answer.json()["features"]) == 5 + 15 + 73
    office = await door.call("GET", "/v1/wards/kothrud-bavdhan")
    assert office.json()["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    refusal(await door.call("GET", "/v1/wards/atlantis"), 404)
    refusal(await door.call("GET", "/v1/wards?level=street"), 422, "/level")


async def test_wards_are_sent_once(door: Door) -> None:
    for path in ("/v1/wards", "/v1/wards?format=geojson", "/v1/wards/kothrud-bavdhan"):
        first = await door.call("GET", path)
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await door.call("GET", path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await door.call("GET", path, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.requirement("S004-15", "S003-03", "S004-03")
async def test_departments_show_who_is_ready(door: Door) -> None:
    found = {unit["code"]: unit for unit in (await door.call("GET", "/v1/departments", door.caller)).json()}
    assert len([unit for unit in found.values() if unit["serial"]]) == 61
    assert (found["water-supply"]["seats"], found["water-supply"]["ready"]) == (2, True)
    assert (found["encroachment"]["seats"], found["encroachment"]["ready"]) == (0, False)


async def test_categories_are_public(door: Door) -> None:
    found = {category["key"]: category for category in (await door.call("GET", "/v1/categories")).json()}
    assert found["flood"]["cap"] == "Met"
    assert set(found["flood"]["names"]) == {"mr", "hi", "en"}


async def test_alive_ready_and_figures(door: Door) -> None:
    await door.settle()
    await door.sent()
    assert (await door.call("GET", "/healthz")).json()["status"] == "alive"
    ready = (await door.call("GET", "/readyz")).json()
    assert ready.pop("audience") in {"store", "grid", "compiled grid"}  # which, says how long it has been up
    assert ready == {"status": "ready", "channels": ["post", "push", "sms"]}
    figures = (await door.call("GET", "/metrics")).text
    assert 'geoalert_batches{state="queued"} 1.0' in figures
    assert "geoalert_store_up 1.0" in figures
    assert 'route="/v1/alerts/{identifier}/send",status="200"' in figures
    assert door.author.split("_")[1] not in figures


async def test_alarms_and_the_message_to_staff_are_figures(door: Door) -> None:
    figures = (await door.call("GET", "/metrics")).text
    assert 'geoalert_alarms{severity="critical"} 0.0' in figures
    async with door.house.store.writing() as session:
        await halt(session, "twilio", ANY_MESSAGE, Reason.CREDENTIAL)
    watch = replace(door.house.watch(), staff=Staff({"sms": ["+12025550119"]}, time(0, 0), ZoneInfo("Asia/Kolkata")))
    await watch.look()
    await watch.settled()
    figures = (await door.call("GET", "/metrics")).text
    assert 'geoalert_alarms{severity="critical"} 1.0' in figures
    assert 'geoalert_alarms{severity="warning"} 0.0' in figures
    assert 'geoalert_staff_message_accepted{channel="sms",provider="twilio"} 1.0' in figures
    assert 'geoalert_staff_message_age_seconds{channel="sms",provider="twilio"}' in figures
    assert "2025550119" not in figures


async def test_without_channels_it_is_not_ready(door: Door) -> None:
    door.app.state.house = replace(door.house, channels={})
    answer = await door.call("GET", "/readyz")
    refusal(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
