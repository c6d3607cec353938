"""The city's zones, offices and units, as they hold on a day, and whom to call about them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response

from api.problem import problems
from api.security import HouseDep
from api.v1.locate import day_of
from api.v1.ward_pages import Page, WardPages
from geoalert.bootstrap import House
from geoalert.wards import Level
from geoalert.wards.lines import STEPS

router = APIRouter(prefix="/v1/wards", tags=["wards"])
GEOJSON: Final = "application/geo+json"
CACHE: Final = "public, max-age=300"

At = Annotated[str | None, Query(max_length=40, description="a date, or a time with its offset; today when absent")]
Known = Annotated[str, Header(alias="If-None-Match")]
Tolerance = Annotated[
    float,
    Query(
        ge=0,
        le=STEPS[-1],
        allow_inf_nan=False,
        description=f"metres by which lines may be simplified, neighbours still meeting; served at the step of "
        f"{', '.join(map(str, STEPS))} at or below it",
    ),
]


@router.get(
    "",
    summary="All wards, without their lines; with them as GeoJSON",
    responses={
        200: {"description": "The wards in force", "content": {GEOJSON: {}}},
        304: {"description": "Not modified"},
        **problems(422),
    },
)
async def list_wards(
    request: Request,
    house: HouseDep,
    level: Annotated[Level | None, Query()] = None,
    form: Annotated[Literal["json", "geojson"] | None, Query(alias="format")] = None,
    tolerance: Tolerance = 0,
    at: At = None,
    known: Known = "",
) -> Response:
    """GeoJSON (lon, lat) with `Accept: application/geo+json` or `?format=geojson`. An office comes with `call`, the
    number to give to people, and `listed`, what a listing says of it and whether that is verified.
    """
    on = await day_of(house, at)
    house.desk.city.tree.begin_of(on)  # an empty list would say that there were no wards
    pages = _pages(request, house)
    if form == "geojson" or (form is None and GEOJSON in request.headers.get("accept", "")):
        return tagged(await asyncio.to_thread(pages.collection, on, level, tolerance), GEOJSON, known)
    return tagged(pages.table(on, level), "application/json", known)


@router.get(
    "/{code}",
    summary="One ward with its line, and the offices that answer for it",
    response_class=Response,
    responses={
        200: {"description": "A GeoJSON feature", "content": {GEOJSON: {}}},
        304: {"description": "Not modified"},
        **problems(404, 422),
    },
)
async def read_ward(
    request: Request,
    house: HouseDep,
    code: Annotated[str, Path(max_length=60)],
    tolerance: Tolerance = 0,
    at: At = None,
    known: Known = "",
) -> Response:
    """The record that holds on the day; `offices` are a zone's, an office itself, or a unit's one."""
    on = await day_of(house, at)
    ward = house.desk.city.tree.get(code, on)
    page = await asyncio.to_thread(_pages(request, house).feature, ward, on, tolerance)
    return tagged(page, GEOJSON, known)


def _pages(request: Request, house: House) -> WardPages:
    """The pages of the tree that is held now."""
    state = request.app.state
    pages: WardPages | None = getattr(state, "ward_pages", None)
    if pages is None or pages.city is not house.desk.city:
        pages = WardPages(house.desk.city)
        state.ward_pages = pages
    return pages


def tagged(page: Page, media_type: str, known: str) -> Response:
    """The document with its ETag, or 304 to whoever has it."""
    headers = {"ETag": page.tag, "Cache-Control": CACHE, "Vary": "Accept"}
    held = {part.strip().removeprefix("W/") for part in known.split(",")}
    if page.tag in held or "*" in held:
        return Response(None, 304, headers)
    return Response(page.body, 200, headers, media_type=media_type)
