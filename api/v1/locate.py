"""Where a point is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.problem import problems
from api.security import HouseDep
from geoalert.bootstrap import House
from geoalert.errors import Invalid
from geoalert.store import database_now
from geoalert.wards import locate, parse_point, to_json

router = APIRouter(prefix="/v1/locate", tags=["wards"])
DATE: Final = len("2026-11-21")


class Found(BaseModel):
    """The ward office of a point; all tiers are null outside the city."""

    model_config = ConfigDict(extra="allow")

    lat: float
    lon: float
    inside: bool
    zone: int | None
    office: str | None
    office_code: str | None
    unit: str | None
    unit_code: str | None


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
