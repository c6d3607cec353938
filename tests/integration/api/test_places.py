"""Many points at once, the directory, and lines for maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely

from tests.integration.api.conftest import Door, refusal

HOME = {"lat": 18.5074, "lon": 73.8077}
CAMP = {"lat": 18.5146, "lon": 73.8788}
GEOJSON = "application/geo+json"


@pytest.mark.requirement("S002-14")
async def test_many_points_are_answered_in_order_and_as_one_by_one(door: Door) -> None:
    answer = (await door.call("POST", "/v1/locate", json={"points": [HOME, CAMP, HOME]})).json()
    alone = [(await door.call("GET", f"/v1/locate?lat={p['lat']}&lon={p['lon']}")).json() for p in (HOME, CAMP, HOME)]
    shared = {"names", "epoch", "on", "note"}
    assert answer["points"] == [{key: value for key, value in row.items() if key not in shared} for row in alone]
    assert {key: answer[key] for key in shared - {"names"}} == {key: alone[0][key] for key in shared - {"names"}}
    assert [row["office_code"] for row in answer["points"]] == ["kothrud-bavdhan", None, "kothrud-bavdhan"]
    assert answer["points"][1]["nearest"]["metres"] > 400


async def test_ten_thousand_points_and_not_one_more(door: Door) -> None:
    answer = await door.call("POST", "/v1/locate", json={"points": [HOME] * 10_000})
    assert len(answer.json()["points"]) == 10_000
    refusal(await door.call("POST", "/v1/locate", json={"points": [HOME] * 10_001}), 422, "/points")
    refusal(await door.call("POST", "/v1/locate", json={"points": []}), 422, "/points")


async def test_points_on_another_day(door: Door) -> None:
    left = {"lat": 18.45, "lon": 73.95}
    for day, office in (("2024-09-10", "hadapsar-mundhwa"), ("2024-09-11", None)):
        answer = (await door.call("POST", "/v1/locate", json={"points": [left], "at": day})).json()
        assert (answer["on"], answer["points"][0]["office_code"]) == (day, office)
    refusal(await door.call("POST", "/v1/locate", json={"points": [left], "at": "soon"}), 422, "/at")


@pytest.mark.parametrize(
    "path", ["locate?lat=18.5&lon=73.8&", "wards?", "wards?format=geojson&", "wards?level=office&"]
)
async def test_a_day_before_the_first_is_refused_and_never_an_empty_city(door: Door, path: str) -> None:
    body = refusal(await door.call("GET", f"/v1/{path}at=2021-06-29"), 422, "/at")
    assert body["detail"] == "no boundaries are held for 2021-06-29; the first are of 2021-06-30"
    assert (await door.call("GET", f"/v1/{path}at=2021-06-30")).status_code == 200


@pytest.mark.parametrize(
    ("point", "pointer"),
    [
        ('{"lat": 73.8077, "lon": 18.5074}', "/points/1/lat"),
        ('{"lat": "18.5", "lon": 73.8}', "/points/1/lat"),
        ('{"lat": NaN, "lon": 73.8}', "/points/1/lat"),
        ('{"lat": 18.5, "lon": Infinity}', "/points/1/lon"),
        ('{"lat": 18.5, "lon": 1e400}', "/points/1/lon"),
        (f'{{"lat": 18.5, "lon": {"9" * 400}}}', "/points/1/lon"),
        ('{"lat": true, "lon": 73.8}', "/points/1/lat"),
        ('{"lat": 90.5, "lon": 73.8}', "/points/1/lat"),
        ('{"lat": 18.5, "lon": -180.5}', "/points/1/lon"),
        ('{"lat": 18.5}', "/points/1/lon"),
        ('{"lat": 18.5, "lon": 73.8, "name": "home"}', "/points/1/name"),
        ("[18.5, 73.8]", "/points/1"),
        ("null", "/points/1"),
    ],
)
async def test_one_bad_point_refuses_all_and_is_named(door: Door, point: str, pointer: str) -> None:
    body = f'{{"points": [{json.dumps(HOME)}, {point}]}}'
    answer = await door.call("POST", "/v1/locate", content=body, headers={"Content-Type": "application/json"})
    refusal(answer, 422, pointer)
    assert "73.8" not in answer.text  # nothing of what was sent comes back


async def test_a_swap_is_said_to_be_one(door: Door) -> None:
    swapped = {"lat": HOME["lon"], "lon": HOME["lat"]}
    body = refusal(await door.call("POST", "/v1/locate", json={"points": [swapped]}), 422, "/points/0/lat")
    assert "swapped" in body["detail"]


@pytest.mark.requirement("S002-15")
async def test_the_directory_gives_a_number_that_holds(door: Door) -> None:
    offices = (await door.call("GET", "/v1/wards?level=office")).json()
    assert len(offices) == 15
    for office in offices:
        assert office["call"] == {"phone": "1800-103-0222", "whose": "city"}
        assert office["listed"]["status"] == "unverified"
        assert set(office["names"]) == {"en", "mr", "hi"}
        assert "2021" in office["note"]
    unit = (await door.call("GET", "/v1/wards/2017-P12")).json()["properties"]
    assert [office["code"] for office in unit["offices"]] == ["kothrud-bavdhan"]
    assert unit["offices"][0]["listed"]["address"]["mr"].startswith("गोल्डन")
    zone = (await door.call("GET", "/v1/wards/Z2")).json()["properties"]
    assert len(zone["offices"]) == 3
    assert "call" not in zone


@pytest.mark.requirement("S002-15")
async def test_an_alert_shows_its_offices_and_the_number_to_call(door: Door) -> None:
    alert = await door.drafted()
    shown = (await door.call("GET", f"/v1/alerts/{alert['identifier']}", door.author)).json()
    assert alert["contacts"] == shown["contacts"]
    assert [(row["office_code"], row["phone"], row["whose"]) for row in shown["contacts"]] == [
        ("kothrud-bavdhan", "1800-103-0222", "city")
    ]
    assert shown["contacts"][0]["names"]["mr"] == "कोथरूड-बावधन"


async def lines(door: Door, tolerance: str, level: str = "unit") -> tuple[dict[str, Any], str]:
    answer = await door.call("GET", f"/v1/wards?format=geojson&level={level}&tolerance={tolerance}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "public, max-age=300"
    return answer.json(), answer.headers["etag"]


async def test_lines_are_simplified_together_and_tagged(door: Door) -> None:
    exact, tag = await lines(door, "0")
    coarse, coarse_tag = await lines(door, "120")
    same, same_tag = await lines(door, "100")
    assert tag != coarse_tag
    assert (coarse, coarse_tag) == (same, same_tag)
    assert coarse["tolerance"] == 100
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in coarse["features"]]
    assert shapely.coverage_is_valid(shapes)
    assert shapely.get_num_coordinates(shapes).sum() * 3 < sum(
        shapely.get_num_coordinates(shapely.geometry.shape(feature["geometry"])) for feature in exact["features"]
    )
    one = (await door.call("GET", "/v1/wards/2017-P12?tolerance=100")).json()
    assert one["geometry"] == next(feature for feature in coarse["features"] if feature["id"] == "2017-P12")["geometry"]
    known = await door.call(
        "GET", "/v1/wards?format=geojson&level=unit&tolerance=100", headers={"If-None-Match": coarse_tag}
    )
    assert (known.status_code, known.content) == (304, b"")
    for wrong in ("-1", "501", "nan", "inf", "x"):
        refusal(await door.call("GET", f"/v1/wards?tolerance={wrong}"), 422, "/tolerance")


async def test_qgis_reads_the_lines(door: Door, tmp_path: Path) -> None:
    for level, count in (("unit", 73), ("office", 15), ("zone", 5)):
        path = tmp_path / f"{level}.geojson"
        path.write_text(json.dumps((await lines(door, "20", level))[0]), encoding="utf-8")
        frame = pyogrio.read_dataframe(path)  # the library QGIS reads with
        assert (len(frame), frame.crs.to_epsg()) == (count, 4326)
        assert frame.geometry.is_valid.all()
        assert set(frame["level"]) == {level}
        for shape in shapely.get_parts(frame.geometry.to_numpy()):
            assert shape.exterior.is_ccw  # RFC 7946, 3.1.6
            assert not any(ring.is_ccw for ring in shape.interiors)


async def test_pages_are_not_kept_for_ever(door: Door) -> None:
    first, tag = await lines(door, "50")
    for day in range(1, 29):
        for level in ("zone", "office"):
            answer = await door.call("GET", f"/v1/wards?level={level}&at=2026-02-{day:02}")
            assert answer.status_code == 200
    assert await lines(door, "50") == (first, tag)
    assert len(door.app.state.ward_pages._kept) <= 32
