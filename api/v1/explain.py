"""Why one person did, or did not, get an alert."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.reach import alert_within_reach
from geoalert.operations.explain import Explanation, explain
from geoalert.wording import preferred

router = APIRouter(prefix="/v1/audience", tags=["alerts"])


@router.get(
    "/explain",
    summary="Why one person did, or did not, get an alert",
    responses=problems(401, 403, 404, 422, 503),
)
async def explain_audience(
    alert: Annotated[UUID, Query(description="the alert's identifier")],
    subscriber: Annotated[UUID, Query(description="the person's reference")],
    house: HouseDep,
    actor: ActorDep,
    response: Response,
    accept_language: Annotated[str, Header(description="of mr, hi and en")] = "",
) -> Explanation:
    """For the person to hear, in Marathi, Hindi or English: what was sent is as it was; places (by label, never where),
    wishes and addresses are as they stand now, for older ones are not kept. Only a named person who may enroll or
    administer asks, about an alert within their reach, and each question is written down.
    """
    say = preferred(accept_language)
    response.headers["Content-Language"], response.headers["Vary"] = say.language, "Accept-Language"
    async with house.store.writing() as session:
        found = await alert_within_reach(session, actor, alert)
        return await explain(session, house.desk, actor, found, str(subscriber), say)
