"""Areas that are none: each refused with words and a pointer, by a preview as by a draft."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely

from tests.integration.api.conftest import Door, refusal
from tests.integration.api.previews import around, ask, drawn, preview, settle
from tests.workbench import KOTHRUD

JSON = {"Content-Type": "application/json"}


def ring(*corners: tuple[Any, Any]) -> dict[str, Any]:
    return {"drawn": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}}


def star(corners: int) -> dict[str, Any]:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = np.where(np.arange(corners) % 2, 0.05, 0.04)
    outline = np.column_stack([KOTHRUD[0] + reach * np.cos(turn), KOTHRUD[1] + reach * np.sin(turn)])
    return drawn(shapely.Polygon(outline.round(6)))


HOLE_OUTSIDE = shapely.geometry.mapping(shapely.Polygon(around(300).exterior, [around(900).exterior.coords]))
AREAS: list[tuple[str, dict[str, Any], str, str]] = [
    ("nothing", {}, "/area", "needs an area"),
    ("no wards", {"wards": []}, "/area", "needs an area"),
    ("empty polygon", {"drawn": {"type": "Polygon", "coordinates": []}}, "/area/drawn", "ring"),
    ("empty multipolygon", {"drawn": {"type": "MultiPolygon", "coordinates": []}}, "/area/drawn", "empty"),
    ("a line of a ring", ring((73.8, 18.5), (73.81, 18.5), (73.82, 18.5)), "/area/drawn", "empty"),
    ("a point", {"drawn": {"type": "Point", "coordinates": list(KOTHRUD)}}, "/area/drawn", "Polygon"),
    ("outside", ring((77.2, 28.6), (77.3, 28.6), (77.3, 28.7)), "/area/drawn", "outside the city"),
    ("swapped", ring((18.50, 73.80), (18.52, 73.80), (18.52, 73.82)), "/area/drawn", "swapped"),
    ("bow tie", ring((73.8, 18.5), (73.82, 18.52), (73.82, 18.5), (73.8, 18.52)), "/area/drawn", "not valid"),
    ("hole around it", {"drawn": HOLE_OUTSIDE}, "/area/drawn", "not valid"),
    ("25,000 corners", star(25_000), "/area/drawn", "at most 20000"),
    ("10,000 wards", {"wards": ["kothrud-bavdhan"] * 10_000}, "/area/wards", "at most 200"),
    ("10,000 areas", {"areas": ["tank"] * 10_000}, "/area/areas", "at most 200"),
    ("no such ward", {"wards": ["kothrud-bavdhan", "atlantis"]}, "/area/wards/1", "no ward"),
]


@pytest.mark.parametrize(("area", "pointer", "words"), [case[1:] for case in AREAS], ids=[case[0] for case in AREAS])
async def test_an_area_that_is_none_is_refused(door: Door, area: dict[str, Any], pointer: str, words: str) -> None:
    body = refusal(await ask(door, door.approver, area), 422, pointer)
    assert words in f"{body['detail']} {body['errors']}"


async def test_numbers_that_are_none_are_refused(door: Door) -> None:
    whole = {"area": ring((73.8, 18.5), (73.82, 18.5), (73.82, 18.52)), "category": "water-supply"}
    text = json.dumps(whole | {"severity": "Moderate"})
    for value in ("NaN", "Infinity", "1e999", "null", '"73.82"', "true"):
        answer = await door.call(
            "POST",
            "/v1/audience/preview",
            door.approver,
            content=text.replace("73.82", value, 1),
            headers=JSON,
        )
        refusal(answer, 422, "/area/drawn")


async def test_a_body_longer_than_the_limit_is_refused_unread(door: Door) -> None:
    refusal(await ask(door, door.approver, star(100_000)), 413)


async def test_as_many_corners_as_are_allowed_are_counted(door: Door) -> None:
    await settle(door.house, KOTHRUD)
    assert (await preview(door, door.approver, star(19_998)))["people"] == 1
