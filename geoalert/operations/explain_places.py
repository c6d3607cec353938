"""A person's places against a message's area, without saying where they are: by label, as they stand now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.audience.grounds import SHARES_INTERIOR, known
from geoalert.languages import Language
from geoalert.operations.desk import Desk
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.tables import AreaPlace, Place
from geoalert.wards.areas import area_versions
from geoalert.wards.distance import metres_per_degree

ROUND_M: Final = 100  # a finer distance, from several areas, would point at a home


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an area: a `ward` or `service_area` by code and name, the `drawn` shape, or the `margin` that an area
    of wards is widened by.
    """

    kind: str
    code: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlaceNow:
    """`kind` is point, ward or cell. `metres` is how far outside a point is, to 100 m and never less than that; None
    where it is inside, or is no point. `parts` are those parts of the area that hold it. What is not `known` names a
    ward that never was: nobody is found by it.
    """

    label: str
    kind: str
    inside: bool
    metres: int | None
    parts: tuple[Part, ...]
    known: bool = True


Shapes = Sequence[tuple[Part, BaseGeometry]]


async def places_now(
    session: AsyncSession, desk: Desk, message: Message, person: int, language: Language
) -> tuple[PlaceNow, ...]:
    """Every place of theirs, points first, against this message's area, whose parts are named in this language."""
    shapes = await _parts_of(session, desk, message, language)
    points = await session.scalars(select(Place).where(Place.subscriber_id == person).order_by(Place.id))
    found = [_point(place, message.area, shapes) for place in points]
    grounds = await session.scalars(select(AreaPlace).where(AreaPlace.subscriber_id == person).order_by(AreaPlace.id))
    line = desk.last_known(message.released_at or message.created_at)
    return (*found, *(_ground(place, known(place.code, line), message.area, shapes) for place in grounds))


def _point(place: Place, area: BaseGeometry, shapes: Shapes) -> PlaceNow:
    lon, lat = place.x / SCALE, place.y / SCALE
    inside = bool(shapely.intersects_xy(area, lon, lat))
    parts = tuple(part for part, line in shapes if shapely.intersects_xy(line, lon, lat))
    if inside:
        return PlaceNow(place.label, "point", inside=True, metres=None, parts=parts or (Part("margin"),))
    return PlaceNow(place.label, "point", inside=False, metres=_metres(area, lon, lat), parts=())


def _metres(area: BaseGeometry, lon: float, lat: float) -> int:
    """In a flat frame at the point's own latitude: far below what it is rounded to, in one city."""
    scale = metres_per_degree(lat)
    flat = shapely.transform(area, lambda corners: (corners - (lon, lat)) * scale)
    metres = float(shapely.distance(flat, shapely.Point(0, 0)))
    return max(ROUND_M, round(metres / ROUND_M) * ROUND_M)


def _ground(place: AreaPlace, ground: BaseGeometry | None, area: BaseGeometry, shapes: Shapes) -> PlaceNow:
    if ground is None:
        return PlaceNow(place.label, place.kind, inside=False, metres=None, parts=(), known=False)
    inside = bool(area.relate_pattern(ground, SHARES_INTERIOR))
    parts = tuple(part for part, line in shapes if inside and line.relate_pattern(ground, SHARES_INTERIOR))
    return PlaceNow(
        place.label, place.kind, inside=inside, metres=None, parts=parts or ((Part("margin"),) if inside else ())
    )


async def _parts_of(session: AsyncSession, desk: Desk, message: Message, language: Language) -> Shapes:
    """The parts the author named, with the lines they had then."""
    area: dict[str, Any] = json.loads(message.content)["area"]
    on = desk.day(message.created_at)
    shapes: list[tuple[Part, BaseGeometry]] = []
    for code in area["wards"]:
        ward = desk.city.tree.last_known(code, on)
        shapes.append((Part("ward", code, ward.name(language)), ward.geometry))
    for named in area.get("areas", ()):  # absent in messages older than service areas
        versions = await area_versions(session, desk.city.config.key, named["code"])
        shapes += [
            (Part("service_area", held.code, held.names[language]), held.geometry)
            for held in versions
            if held.version == named["version"]
        ]
    if area["drawn"] is not None:
        shapes.append((Part("drawn"), shape(area["drawn"])))
    return shapes
