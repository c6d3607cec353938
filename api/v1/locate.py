"""Where a point is, or ten thousand."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problem import problems
from api.security import HouseDep
from api.v1.fields import Body, Code
from geoalert.bootstrap import House
from geoalert.errors import Invalid
from geoalert.store import database_now
from geoalert.wards import Bbox, WardIndex, locate, parse_point, to_brief, to_json

router = APIRouter(prefix="/v1/locate", tags=["wards"])
DATE: Final = len("2026-11-21")
MOST: Final = 10_000


class Found(BaseModel):
    """The ward office of a point; all tiers are null outside the city."""

    model_config = ConfigDict(extra="allow")

    lat: float
    lon: float
    inside: bool
    zone: int | None
    zone_code: str | None
    office: str | None
    office_code: str | None
    unit: str | None
    unit_code: str | None
    metres_to_other_office: float | None = Field(description="to the nearest office that is not the point's own")
    other_office_code: str | None
    uncertain: bool = Field(description="another office is under 50 m away: treat the point as either's")
    outside: bool


class FoundMany(BaseModel):
    """One answer for each point, in their order, without the names in all languages: /v1/wards has those."""

    on: date
    epoch: str
    note: str = Field(description="what must be said with every answer")
    points: list[Found]


class PointIn(Body):
    lat: float = Field(description="degrees north", examples=[18.5074])
    lon: float = Field(description="degrees east", examples=[73.8077])


class PointsIn(Body):
    points: list[PointIn] = Field(min_length=1, max_length=MOST)
    at: Code | None = Field(default=None, description="a date, or a time with its offset; today when absent")


async def day_of(house: House, at: str | None) -> date:
    """The city's date that is asked about; today's when nothing is.

    Raises:
        Invalid: neither a date nor a time with its offset.
    """
    if at is None:
        async with house.store.reading() as session:
            return house.desk.day(await database_now(session))
    try:
        if len(at) == DATE:
            return date.fromisoformat(at)
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is not None:
            return house.desk.day(moment)
    except (ValueError, OverflowError):
        pass
    raise Invalid("give a date, or a time with its offset (in an address, + is written %2B)", pointer="/at")


@router.get("", summary="Zone, office and unit of a point", response_model=Found, responses=problems(422))
async def read_location(
    house: HouseDep,
    lat: Annotated[str, Query(max_length=40, description="degrees north", examples=["18.5074"])],
    lon: Annotated[str, Query(max_length=40, description="degrees east", examples=["73.8077"])],
    at: Annotated[str | None, Query(max_length=40, description="a date, or a time with its offset")] = None,
) -> dict[str, Any]:
    """A point on a line between two units belongs to exactly one of them; a point outside the city to none."""
    x, y = parse_point(lat, lon, house.desk.city.config.bbox)
    return to_json(locate(house.desk.index, x, y, await day_of(house, at)))


@router.post(
    "", summary="Zone, office and unit of many points", response_model=FoundMany, responses=problems(413, 415, 422)
)
async def locate_points(body: PointsIn, house: HouseDep) -> dict[str, Any]:
    """All or nothing: one bad point refuses the request and is named, as in `/points/7/lat`. Nothing is stored."""
    on = await day_of(house, body.at)
    # In a thread: ten thousand answers would keep everybody else waiting.
    return await asyncio.to_thread(_answers, house.desk.index, house.desk.city.config.bbox, body.points, on)


def _answers(index: WardIndex, bbox: Bbox, points: list[PointIn], on: date) -> dict[str, Any]:
    places = [_place(point, number, bbox) for number, point in enumerate(points)]
    return {
        "on": on,
        "epoch": index.tree.epoch_on(on).label,
        "note": index.note_on(on),
        "points": [to_brief(locate(index, lon, lat, on)) for lon, lat in places],
    }


def _place(point: PointIn, number: int, bbox: Bbox) -> tuple[float, float]:
    try:
        return parse_point(point.lat, point.lon, bbox)
    except Invalid as wrong:
        raise Invalid(f"point {number}: {wrong.reason}", pointer=f"/points/{number}{wrong.pointer}") from None
