"""Break-glass."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.idempotency import Answer, OnceDep
from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.alert_bodies import BroadcastIn
from api.v1.alert_views import ReleasedView, released_view
from geoalert.operations.broadcast import broadcast

router = APIRouter(prefix="/v1/broadcasts", tags=["decisions"])


@router.post(
    "",
    status_code=201,
    summary="Send at once on one officer's word",
    response_model=ReleasedView,
    responses=problems(401, 403, 409, 413, 415, 422, 503),
)
async def send_broadcast(body: BroadcastIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """For disaster management and for Severe and Extreme only. A review stays open until another officer closes it."""
    actor.require("broadcast")

    async def effect(session: AsyncSession) -> Answer:
        request = body.request(body.category, drill=body.drill, incident=body.incident)
        alert, released = await broadcast(
            session, house.desk, actor, request, body.reason, confirm_empty=body.confirm_empty
        )
        return Answer(released_view(alert.identifier, released), f"/v1/alerts/{alert.identifier}")

    return await once(effect, 201)
