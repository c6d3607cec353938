"""People, enrolled by whoever may and forgotten at their wish."""

from __future__ import annotations

import uuid
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.idempotency import Answer, OnceDep
from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.fields import Basis, Body, Code, LanguageCode, Line, Severity, Token
from geoalert.bootstrap import House
from geoalert.errors import Conflict, Invalid, NotFound
from geoalert.operations.look_up import NOBODY, look_up
from geoalert.store import database_now
from geoalert.subscribers import Person, erase, make_person, register
from geoalert.subscribers.person import (
    LABELS,
    READERS,
    Point,
    RoundedPlace,
    WardPlace,
    category_bits,
    point,
    quiet_hours,
    round_off,
)
from geoalert.subscribers.register import taken
from geoalert.wards.config import Bbox

router = APIRouter(prefix="/v1/subscribers", tags=["subscribers"])


class PlaceIn(Body):
    """A point (`lat` and `lon`) or a ward; not both. Of a point with `rounded` only the square of the map that holds it
    is kept, about 700 m on a side: who lives in it is told when an alert's area shares ground with it.
    """

    lat: float | None = None
    lon: float | None = None
    ward: Code | None = None
    rounded: bool = Field(default=False, description="keep only the square of about 700 m that holds the point")
    label: Line = Field(default="home", json_schema_extra={"enum": list(LABELS)})


class SubscriberIn(Body):
    phone: Line | None = None
    email: Line | None = None
    push_token: Token | None = None
    places: list[PlaceIn] = Field(min_length=1)
    language: LanguageCode = "mr"
    categories: list[Code] = Field(default=[], description="none chosen: all")
    channels: list[Code] = Field(default=[], description="in the person's order; none chosen: all there are")
    min_severity: Severity = "Minor"
    quiet_hours: Line | None = Field(default=None, examples=["22:00-06:30"])
    consent: Basis | None = Field(
        description="what it rests on: web, sms, app, call; null: none was given, only emergencies are sent"
    )


class AddressIn(Body):
    """One of the three."""

    phone: Line | None = None
    email: Line | None = None
    push_token: Token | None = None


class Reference(BaseModel):
    reference: str


@router.post(
    "",
    status_code=201,
    summary="Enroll a person",
    response_model=Reference,
    responses=problems(401, 403, 409, 413, 415, 422, 503),
)
async def enroll(body: SubscriberIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """An address that somebody has already is refused, without saying who has it."""
    actor.require("enroll")

    async def effect(session: AsyncSession) -> Answer:
        person = await _person(session, house, body)
        if await taken(session, [person]):
            raise Conflict("one of these addresses is subscribed already")
        reference = str(uuid.uuid4())
        await register(session, [person], actor.name, [reference])
        return Answer(Reference(reference=reference), f"/v1/subscribers/{reference}")

    return await once(effect, 201)


@router.post("/find", summary="Whose an address is", responses=problems(401, 403, 404, 413, 415, 422, 503))
async def find(body: AddressIn, house: HouseDep, actor: ActorDep) -> Reference:
    """The reference of whoever subscribed by this address, to explain or to forget. Only a named person who may enroll
    or administer asks, and each question is written down, without the address.
    """
    given = {name: value for name, value in body.model_dump().items() if value is not None}
    if len(given) != 1:
        raise Invalid("name one address: phone, email or push_token")
    ((name, value),) = given.items()
    channel, read = READERS[name]
    async with house.store.writing() as session:
        reference = await look_up(session, actor, channel, read(value))
    if reference is None:
        raise NotFound(NOBODY)
    return Reference(reference=reference)


@router.delete("/{reference}", status_code=204, summary="Forget a person", responses=problems(401, 403, 404, 503))
async def forget(reference: UUID, house: HouseDep, actor: ActorDep) -> None:
    """Places, addresses and consents are deleted at once; totals of what was sent stay."""
    actor.require_one("enroll", "administer")
    async with house.store.writing() as session:
        await erase(session, str(reference), actor.name)


async def _person(session: AsyncSession, house: House, body: SubscriberIn) -> Person:
    given = {"phone": body.phone, "email": body.email, "push_token": body.push_token}
    addresses = {}
    for name, value in given.items():
        if value is not None:
            channel, read = READERS[name]
            addresses[channel] = read(value)
    wards: set[str] = set()
    if any(place.ward is not None for place in body.places):
        on = house.desk.day(await database_now(session))
        wards = {ward.code for ward in house.desk.city.tree.in_force(on)}
    places = [
        _place(place, f"/places/{number}", wards, house.desk.city.config.bbox)
        for number, place in enumerate(body.places)
    ]
    return make_person(
        addresses=addresses,
        points=[place for place in places if isinstance(place, Point)],
        wards=[place for place in places if isinstance(place, WardPlace)],
        rounded=[place for place in places if isinstance(place, RoundedPlace)],
        channels=body.channels,
        language=body.language,
        categories=category_bits(body.categories, house.desk.category_bits),
        min_severity=body.min_severity,
        quiet=quiet_hours(body.quiet_hours) if body.quiet_hours else None,
        consent=body.consent or "",
    )


def _place(place: PlaceIn, pointer: str, wards: set[str], city: Bbox) -> Point | WardPlace | RoundedPlace:
    if place.label not in LABELS:
        raise Invalid(f"labels are {', '.join(LABELS)}", pointer=f"{pointer}/label")
    if place.ward is not None:
        if place.lat is not None or place.lon is not None:
            raise Invalid("a place is a point or a ward, not both", pointer=pointer)
        if place.rounded:
            raise Invalid("only a point can be rounded", pointer=f"{pointer}/rounded")
        if place.ward not in wards:
            raise Invalid(f"no ward {place.ward!r} in force", pointer=f"{pointer}/ward")
        return WardPlace(place.ward, place.label)
    try:
        return (round_off if place.rounded else point)(place.lat, place.lon, city, place.label)
    except Invalid as wrong:
        raise Invalid(wrong.reason, pointer=pointer) from None
