"""Asking for previews, and people to be counted in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import httpx2
import shapely

from geoalert.bootstrap import House
from geoalert.departments import issue, name_officer
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point, WardPlace
from tests.integration.api.conftest import Door
from tests.workbench import KOTHRUD

KOTHRUD_OFFICE: Final = {"wards": ["kothrud-bavdhan"]}
METRE: Final = 1 / 111_000  # degrees, near enough
NUMBERS: Final = count(1)


async def settle(
    house: House,
    *at: tuple[float, float],
    wards: Sequence[str] = (),
    channels: Sequence[str] = ("sms",),
    consent: str = "test",
    **wishes: Any,
) -> int:
    """Somebody with these places; their id."""
    number = next(NUMBERS)
    values = {"push": f"preview-token-{number:06d}", "sms": f"+916{number:09d}"}
    person = make_person(
        addresses={name: values[name] for name in channels},
        channels=channels,
        points=[Point(*one) for one in at],
        wards=[WardPlace(code) for code in wards],
        consent=consent,
        **wishes,
    )
    async with house.store.writing() as session:
        (id_,) = await register(session, [person], "test")
    return id_


async def settle_many(house: House, number: int, *at: tuple[float, float]) -> None:
    for _ in range(number):
        await settle(house, *at)


async def ask(door: Door, credential: str, area: dict[str, Any], **changes: Any) -> httpx2.Response:
    body = {"area": area, "category": "water-supply", "severity": "Moderate"} | changes
    return await door.call("POST", "/v1/audience/preview", credential, json=body)


async def preview(door: Door, credential: str, area: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await ask(door, credential, area, **changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def author(door: Door) -> str:
    """A person who drafts and no more."""
    async with door.house.store.writing() as session:
        officer = await name_officer(session, "water-supply", "Test author", "Junior Engineer", ["author"])
        return await issue(session, "water-supply", officer=officer.reference)


def drawn(shape: shapely.Geometry) -> dict[str, Any]:
    """As an author's area."""
    return {"drawn": dict(shapely.geometry.mapping(shape))}


def around(half: float, at: tuple[float, float] = KOTHRUD) -> shapely.Polygon:
    """A square of twice so many metres on a side."""
    return shapely.box(at[0] - half * METRE, at[1] - half * METRE, at[0] + half * METRE, at[1] + half * METRE)


def by_channel(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """What the rows by office sum to."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        sums.setdefault(row["channel"], Counter())[row["language"]] += row["people"]
    return {channel: dict(counts) for channel, counts in sums.items()}
