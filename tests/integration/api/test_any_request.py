"""Whatever stands in a request, the answer is what was asked for, or a refusal that names the field: never an error of
ours, and never a traceback.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.extent import seeded
from tests.integration.api.conftest import Door, refusal

TRIES: Final = 60  # a seed
REFUSALS: Final = {400, 401, 403, 404, 405, 409, 413, 414, 415, 422}
TAKEN: Final = {200, 201, 202, 403, 409}  # by a door that is there, of a body that it can read
LINE: Final = [[73.80, 18.50], [73.83, 18.50], [73.83, 18.52], [73.80, 18.50]]
DRAWN: Final = {"type": "Polygon", "coordinates": [LINE]}
CIRCLE: Final = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"radius_m": 300},
            "geometry": {"type": "Point", "coordinates": [73.81, 18.51]},
        }
    ],
}
PERSON: Final = {
    "phone": "+919800000001",
    "places": [{"lat": 18.5074, "lon": 73.8077, "label": "home"}, {"ward": "aundh-baner", "label": "work"}],
    "language": "mr",
    "categories": ["water-supply"],
    "channels": ["sms"],
    "min_severity": "Minor",
    "quiet_hours": "22:00-06:30",
    "consent": "web",
}
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 0.1, -0.0, 90, 180, 181, 1e9, 1e308, 5e-324, 2**31, 2**63, -(2**63) - 1, 10**400,
    float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "1", "null", "true", "NaN", "en", "mr", "hi", "xx", "push", "sms", "post", "Extreme", "Minor",
    "water-supply", "flood", "kothrud-bavdhan", "Z1", "2026-11-23T10:00:00+05:30", "2026-11-23T10:00:00",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2199-12-31T23:59:59Z", "2026-02-30", "24:00-25:00",
    "22:00-22:00", "+91", "+919876543210", "98765 43210", "0" * 5_000, "\x00", "\x1b[2J", "\ud800", "\u202e", "\ufeff",
    "क्‍ष र्‍य ऱ्‌", "<script>alert(1)</script>", "%00", "../../etc/passwd", "' OR 1=1 --", "{}", "a\nb",
    [], [[]], [None], ["en"], {}, {"": ""}, {"type": "Point"}, {"en": {}}, [0] * 5_000, [[0, 0]] * 5,
    [73.8, 18.5], [18.5, 73.8], [73.8, 18.5, 560.0], ["73.8", "18.5"], [73.8], [float("nan"), 18.5],
    "Polygon", "MultiPolygon", "GeometryCollection", "LineString", "Feature", "FeatureCollection", "Point",
)  # fmt: skip


class Chance:
    """What may be sent; the seed says which."""

    def __init__(self, seed: int) -> None:
        self.of = random.Random(seed)  # noqa: S311 - bodies to try

    def odd(self) -> Any:
        value = self.of.choice(ODD)
        if self.of.random() < 0.05:
            for _ in range(self.of.choice([3, 60])):
                value = [value] if self.of.random() < 0.5 else {self.of.choice(["area", "type", "coordinates"]): value}
        return copy.deepcopy(value)

    def bent(self, body: Any) -> Any:
        """The body, changed in one place or in a few."""
        bent = copy.deepcopy(body)
        for _ in range(self.of.choice([1, 1, 1, 2, 5])):
            places = list(spots(bent))
            if not places:
                return self.odd()
            inside, key = self.of.choice(places)
            act = self.of.randrange(5)
            if act == 0:
                del inside[key]
            elif act == 1 and isinstance(inside, dict):
                inside[self.of.choice(["name", "id", "type", "radius_m", "drawn", "areas", "wards", "onset"])] = (
                    self.odd()
                )
            elif act == 2 and isinstance(inside, list):
                inside.insert(
                    self.of.randrange(len(inside) + 1), copy.deepcopy(self.of.choice([inside[key], self.odd()]))
                )
            else:
                inside[key] = self.odd()
        return bent


def spots(value: Any) -> Any:
    """Every (container, key) in a body."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from spots(value[key])


async def bodies(door: Door) -> list[tuple[str, str, str, Any]]:
    """Method, path, credential and a body that is right, for every door that takes one."""
    water = await door.draft_body()
    drawn = water | {"area": {"drawn": DRAWN}, "incident": "mutha-2026-11-23", "onset": None}
    flood = await door.flood_body(area={"drawn": CIRCLE})
    alert = await door.drafted()
    ready = await door.approved(area={"wards": ["aundh-baner"]})
    live = await door.sent(channels=["sms"])
    own = f"/v1/alerts/{alert['identifier']}"
    words = {key: water[key] for key in ("severity", "expires", "texts", "area", "channels")}
    return [
        ("POST", "/v1/alerts", door.author, water),
        ("POST", "/v1/alerts", door.author, drawn),
        ("PUT", own, door.author, words),
        ("POST", "/v1/audience/preview", door.approver, {"area": {"drawn": DRAWN}} | PREVIEW),
        ("POST", "/v1/audience/preview", door.author, {"area": {"drawn": CIRCLE}, "texts": water["texts"]} | PREVIEW),
        ("POST", "/v1/subscribers", door.caller, PERSON),
        ("POST", "/v1/locate", "", {"points": [{"lat": 18.5, "lon": 73.8}] * 3, "at": "2026-11-23"}),
        ("POST", "/v1/wards/resolve", door.author, {"text": "Kothrud, औंध, Bavdhan", "at": "2026-11-23"}),
        ("POST", "/v1/broadcasts", door.disaster[0], flood | {"confirm_empty": True}),
        ("POST", f"{own}/submit", door.author, {}),
        ("POST", f"{own}/approve", door.approver, {"content_hash": alert["messages"][-1]["content_hash"]}),
        ("POST", f"{own}/return", door.approver, {"note": "the date"}),
        ("POST", f"/v1/alerts/{ready['identifier']}/send", door.approver, {"confirm_empty": True}),
        ("POST", f"/v1/alerts/{live}/update", door.author, words),
        ("POST", f"/v1/alerts/{live}/cancel", door.approver, {"texts": water["texts"], "reason": "mended"}),
        ("POST", f"/v1/messages/{uuid4()}/ack", "", {"ref": "1.0.AAAAAAAAAAAAAAAAAAAAAA"}),
    ]


PREVIEW: Final = {"category": "water-supply", "severity": "Moderate", "channels": ["push", "sms"]}
HEADERS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"Accept": "application/geo+json;q=x, */*;q=0.8"},
    {"Accept": ""},
    {"Accept-Language": "mr, hi;q=x"},
    {"Authorization": "Bearer"},
    {"Authorization": "Basic dTpw"},
    {"Authorization": "Bearer " + "a" * 5_000},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Idempotency-Key": "k" * 5_000},
    {"Idempotency-Key": " "},
    {"If-None-Match": '"'},
    {"If-None-Match": "*"},
    {"traceparent": "00-zz-zz-01"},
    {"X-Forwarded-For": "not an address"},
)
ADDRESSES: Final = (
    "/v1/locate?lat={}&lon={}&at={}",
    "/v1/alerts?after={}&limit={}&incident={}",
    "/v1/alerts/{}",
    "/v1/alerts/{}/report",
    "/v1/alerts/{}/progress",
    "/v1/areas?at={}&format={}",
    "/v1/wards?at={}&level={}&tolerance={}&format={}",
    "/v1/wards/{}?at={}&tolerance={}",
    "/v1/audience/explain?alert={}&subscriber={}",
    "/v1/categories?{}={}",
    "/v1/departments?{}={}",
)


def sound(answer: Any, said: str) -> None:
    """An answer that nobody need be ashamed of."""
    assert answer.status_code < 300 or answer.status_code in REFUSALS, (answer.status_code, said[:2_000], answer.text)
    if answer.status_code >= 300 and answer.request.method != "HEAD":
        body = refusal(answer, answer.status_code)
        assert all(error["pointer"][:1] in {"", "/"} for error in body["errors"])
    assert "Traceback" not in answer.text


@seeded(3)
async def test_no_body_is_too_odd(door: Door, seed: int) -> None:
    await door.settle()
    chance = Chance(seed)
    known = await bodies(door)
    for method, path, credential, body in known:
        right = await door.call(method, path, credential, json=body)
        assert right.status_code in TAKEN, (path, right.text)
    accepted = 0
    for _ in range(TRIES):
        method, path, credential, body = chance.of.choice(known)
        sent = json.dumps(chance.bent(body))
        if chance.of.random() < 0.03:
            deep = chance.of.choice([200, 5_000, 40_000])
            sent = sent.replace("[", "[" * deep, 1).replace("]", "]" * deep, 1)
        elif chance.of.random() < 0.05:
            sent = sent[: chance.of.randrange(len(sent))]
        headers = {"Content-Type": "application/json"} | chance.of.choice(HEADERS)
        if chance.of.random() < 0.2:
            headers["Idempotency-Key"] = chance.of.choice(["a", "b", str(uuid4())])
        answer = await door.call(method, path, credential, content=sent.encode(), headers=headers)
        sound(answer, f"{method} {path} {sent}")
        accepted += answer.status_code < 300
    assert accepted < TRIES


@seeded(3)
async def test_no_address_is_too_odd(door: Door, seed: int) -> None:
    await door.settle()
    chance = Chance(seed)
    live = await door.sent(channels=["sms"])
    texts = [str(value).encode("utf-8", "replace").decode()[:200] for value in ODD] + [live, str(uuid4())]
    for _ in range(TRIES):
        address = chance.of.choice(ADDRESSES)
        path = address.format(*(quote(chance.of.choice(texts), safe="") for _ in range(address.count("{}"))))
        method = chance.of.choice(["GET", "GET", "GET", "HEAD", "POST", "DELETE"])
        answer = await door.call(
            method,
            path,
            chance.of.choice([door.author, door.caller, door.disaster[1], ""]),
            headers=chance.of.choice(HEADERS),
        )
        sound(answer, f"{method} {path}")


@pytest.mark.parametrize("address", ["/v1/wards/", "/v1/alerts/", "/v1/locate/?lat=18.5&lon=73.8"])
async def test_nobody_is_sent_elsewhere(door: Door, address: str) -> None:
    """Where TLS ends before us, we would send them, with their credential, to an address without it."""
    refusal(await door.call("GET", address, door.author), 404)


@pytest.mark.parametrize("address", ["/v1/locate?lat=18.5&lon=73.8", "/v1/wards", "/healthz"])
async def test_what_is_read_can_be_asked_about(door: Door, address: str) -> None:
    """RFC 9110, 9.3.2: HEAD is GET without the content."""
    whole, head = await door.call("GET", address), await door.call("HEAD", address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    figures = (await door.call("GET", "/metrics")).text
    route = address.partition("?")[0]
    counted = [line for line in figures.splitlines() if line.startswith("geoalert_requests_total{") and route in line]
    assert sum(float(line.rpartition(" ")[2]) for line in counted) == 2, counted
