"""Utilities' areas: what an alert may name beside wards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from shapely.geometry import mapping

from api.problem import problems
from api.security import HouseDep
from api.v1.locate import day_of
from api.v1.ward_pages import Page
from api.v1.wards import GEOJSON, At, Known, tagged
from geoalert.wards.areas import areas_in_force
from geoalert.wards.service_area import ServiceArea, to_facts

router = APIRouter(prefix="/v1/areas", tags=["wards"])


@router.get(
    "",
    summary="All service areas, without their lines; with them as GeoJSON",
    responses={
        200: {"description": "The service areas in force", "content": {GEOJSON: {}}},
        304: {"description": "Not modified"},
        **problems(422, 503),
    },
)
async def list_areas(
    request: Request,
    house: HouseDep,
    form: Annotated[Literal["json", "geojson"] | None, Query(alias="format")] = None,
    at: At = None,
    known: Known = "",
) -> Response:
    """GeoJSON (lon, lat) with `Accept: application/geo+json` or `?format=geojson`. An `illustrative` area has no
    utility behind it and is taken by drills only.
    """
    on = await day_of(house, at)
    async with house.store.reading() as session:
        areas = list((await areas_in_force(session, house.desk.city.config.key, on)).values())
    if form == "geojson" or (form is None and GEOJSON in request.headers.get("accept", "")):
        # In a thread: lines along pipes are long, and other requests go on meanwhile.
        return tagged(await asyncio.to_thread(_collection, areas), GEOJSON, known)
    return tagged(Page.of(list(map(to_facts, areas))), "application/json", known)


def _collection(areas: Sequence[ServiceArea]) -> Page:
    return Page.of({"type": "FeatureCollection", "features": list(map(_feature, areas))})


def _feature(area: ServiceArea) -> dict[str, Any]:
    return {"type": "Feature", "id": area.code, "properties": to_facts(area), "geometry": mapping(area.geometry)}
