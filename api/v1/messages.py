"""What a person's own device says."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.problem import problems
from api.security import HouseDep
from api.v1.fields import Body, Line
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.receipts import Incoming, Intake
from geoalert.dispatch.reference import read_ref

router = APIRouter(prefix="/v1/messages", tags=["receipts"])


class AckIn(Body):
    ref: Line


class Taken(BaseModel):
    taken: bool = True


@router.post(
    "/{identifier}/ack",
    status_code=202,
    summary="A device has shown the message",
    responses=problems(403, 404, 413, 415, 422, 503),
)
async def acknowledge(identifier: UUID, body: AckIn, request: Request, house: HouseDep) -> Taken:
    """`ref` came with the message and is proof enough: it names batch and recipient and only we can make it. The
    identifier in the address is for the reader of a log; it is not compared, which would cost a look-up each time.
    """
    del identifier
    batch, position = read_ref(house.keys, body.ref)
    intake: Intake = request.app.state.intake
    await intake.take([Incoming("fcm", batch, position, Status.DELIVERED, "acknowledged")])
    return Taken()
