"""The city's zones, offices and units, as they hold on a day."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from shapely.geometry import mapping

from api.problem import problems
from api.security import HouseDep
from api.v1.locate import day_of
from geoalert.bootstrap import House
from geoalert.wards import Level, Ward

router = APIRouter(prefix="/v1/wards", tags=["wards"])
GEOJSON: Final = "application/geo+json"
CACHE: Final = "public, max-age=300"

At = Annotated[str | None, Query(max_length=40, description="a date, or a time with its offset; today when absent")]
Known = Annotated[str, Header(alias="If-None-Match")]


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
    at: At = None,
    known: Known = "",
) -> Response:
    """GeoJSON (lon, lat) with `Accept: application/geo+json` or `?format=geojson`."""
    on = await day_of(house, at)
    tree = house.desk.city.tree
    wards = tree.in_force(on, level)
    if form == "geojson" or (form is None and GEOJSON in request.headers.get("accept", "")):
        collection = {
            "type": "FeatureCollection",
            "attribution": house.desk.city.config.attribution,
            "epoch": tree.epoch,
            "features": [_feature(ward, tree.epoch) for ward in wards],
        }
        return _tagged(collection, GEOJSON, known)
    return _tagged([_facts(ward, tree.epoch) for ward in wards], "application/json", known)


@router.get(
    "/{code}",
    summary="One ward with its line",
    response_class=Response,
    responses={
        200: {"description": "A GeoJSON feature", "content": {GEOJSON: {}}},
        304: {"description": "Not modified"},
        **problems(404, 422),
    },
)
async def read_ward(
    house: HouseDep, code: Annotated[str, Path(max_length=60)], at: At = None, known: Known = ""
) -> Response:
    """The record that holds on the day."""
    ward = _ward(house, code, await day_of(house, at))
    return _tagged(_feature(ward, house.desk.city.tree.epoch), GEOJSON, known)


def _ward(house: House, code: str, on: date) -> Ward:
    return house.desk.city.tree.get(code, on)


def _facts(ward: Ward, epoch: str) -> dict[str, Any]:
    return {
        "code": ward.code,
        "level": ward.level,
        "kind": ward.kind,
        "names": ward.names,
        "parent": ward.parent,
        "valid_from": ward.valid_from.isoformat(),
        "valid_to": ward.valid_to and ward.valid_to.isoformat(),
        "epoch": epoch,
        "area_km2": ward.area_km2,
    }


def _feature(ward: Ward, epoch: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": ward.code,
        "properties": _facts(ward, epoch),
        "geometry": mapping(ward.geometry),
    }


def _tagged(document: object, media_type: str, known: str) -> Response:
    """The document with its ETag, or 304 to whoever has it."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": CACHE, "Vary": "Accept"}
    held = {part.strip().removeprefix("W/") for part in known.split(",")}
    if tag in held or "*" in held:
        return Response(None, 304, headers)
    return Response(body, 200, headers, media_type=media_type)
