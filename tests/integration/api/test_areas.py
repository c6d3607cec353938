"""Service areas and lists of names at the HTTP door."""

from __future__ import annotations

from datetime import date

import pytest

from geoalert.operations.service_areas import take_areas
from geoalert.wards.service_area import ServiceArea
from tests.integration.api.conftest import Door, refusal
from tests.service_areas import make_area

GEOJSON = "application/geo+json"


async def take(door: Door, *areas: ServiceArea) -> None:
    async with door.house.store.writing() as session:
        await take_areas(session, door.house.desk, areas, "test")


async def test_areas_are_listed_for_anybody_by_day_with_and_without_lines(door: Door) -> None:
    assert (await door.call("GET", "/v1/areas")).json() == []
    await take(door, make_area(), make_area("ended", valid_to=date(2022, 1, 1)), make_area("sketch", illustrative=True))
    answer = await door.call("GET", "/v1/areas")
    sketch, area = answer.json()
    assert (area["code"], area["version"], area["illustrative"], area["department"]) == (
        "test-tank",
        1,
        False,
        "water-supply",
    )
    assert area["names"]["mr"] == "चाचणी टाकी परिसर"
    assert (sketch["code"], sketch["illustrative"]) == ("sketch", True)
    assert [row["code"] for row in (await door.call("GET", "/v1/areas?at=2021-12-31")).json()] == [
        "ended",
        "sketch",
        "test-tank",
    ]
    tag = answer.headers["etag"]
    assert (await door.call("GET", "/v1/areas", headers={"If-None-Match": tag})).status_code == 304

    drawn = await door.call("GET", "/v1/areas", headers={"Accept": GEOJSON})
    assert drawn.headers["content-type"] == GEOJSON
    assert [feature["geometry"]["type"] for feature in drawn.json()["features"]] == ["Polygon", "Polygon"]
    assert (await door.call("GET", "/v1/areas?format=geojson")).json() == drawn.json()


async def test_a_draft_a_preview_and_a_broadcast_take_areas(door: Door) -> None:
    await take(door, make_area(), make_area("sketch", illustrative=True))
    await door.settle()
    alert = await door.drafted(area={"areas": ["test-tank"]})
    assert alert["messages"][0]["content"]["area"]["areas"] == [{"code": "test-tank", "version": 1}]

    count = {"area": {"areas": ["test-tank"]}, "category": "water-supply", "severity": "Moderate"}
    answer = await door.call("POST", "/v1/audience/preview", door.author, json=count)
    assert answer.json()["people"] == 1
    flood = await door.flood_body(area={"areas": ["test-tank"]})
    answer = await door.call("POST", "/v1/broadcasts", door.disaster[0], json=flood)
    assert (answer.status_code, answer.json()["people"]) == (201, 1)


async def test_areas_that_cannot_be_aimed_at_are_refused(door: Door) -> None:
    await take(door, make_area("sketch", illustrative=True))
    for areas, pointer in ((["nowhere"], "/area/areas/0"), (["sketch"], "/area/areas/0"), (["a"] * 201, "/area/areas")):
        body = await door.draft_body(area={"areas": areas})
        refusal(await door.call("POST", "/v1/alerts", door.author, json=body), 422, pointer)
        count = {"area": {"areas": areas}, "category": "water-supply", "severity": "Moderate"}
        refusal(await door.call("POST", "/v1/audience/preview", door.author, json=count), 422, pointer)
    drill = await door.draft_body(area={"areas": ["sketch"]}, drill=True)
    assert (await door.call("POST", "/v1/alerts", door.author, json=drill)).status_code == 201
    rehearsed = {"area": {"areas": ["sketch"]}, "category": "water-supply", "severity": "Moderate", "drill": True}
    assert (await door.call("POST", "/v1/audience/preview", door.author, json=rehearsed)).status_code == 200


async def test_a_list_of_names_is_resolved_for_who_may_draft(door: Door) -> None:
    body = {"text": "धायरी, Chandni Chowk and surrounding area; Kondhwa"}
    refusal(await door.call("POST", "/v1/wards/resolve", json=body), 401)
    refusal(await door.call("POST", "/v1/wards/resolve", door.caller, json=body), 403)
    found = (await door.call("POST", "/v1/wards/resolve", door.author, json=body)).json()
    assert [(match["name"], match["as"], match["unit_code"]) for match in found["matched"]] == [
        ("धायरी", "धायरी", "V-dhayari"),
        ("Chandni Chowk", "Chandani Chowk", "2017-P10"),
    ]
    (question,) = found["questions"]
    assert (question["name"], question["reason"]) == ("Kondhwa", "unknown")
    assert "2017-P27" in {candidate["unit_code"] for candidate in question["candidates"]}
    before = body | {"text": "Fursungi", "at": "2024-09-10"}
    found = (await door.call("POST", "/v1/wards/resolve", door.author, json=before)).json()
    assert found["matched"][0]["unit_code"] == "V-fursungi"


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "1, 2"}, {"text": "x" * 20_001}, {"text": 5}, {}])
async def test_what_is_no_list_of_names_is_refused(door: Door, body: dict[str, object]) -> None:
    refusal(await door.call("POST", "/v1/wards/resolve", door.author, json=body), 422, "/text")
