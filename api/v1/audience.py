"""Who would be told."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.alert_bodies import AreaIn
from api.v1.fields import AlertChannel, Body, Code, Severity
from geoalert.alerts.content import ALERT_CHANNELS
from geoalert.errors import Invalid
from geoalert.operations.compose import outline
from geoalert.operations.preview import preview

router = APIRouter(prefix="/v1/audience", tags=["alerts"])


class PreviewIn(Body):
    area: AreaIn
    category: Code
    severity: Severity
    channels: list[AlertChannel] = Field(default=list(ALERT_CHANNELS), min_length=1)
    drill: bool = Field(default=False, description="a drill may aim at illustrative service areas")


class PreviewView(BaseModel):
    """`people` are distinct persons, held included; `inside` also counts those the rules leave out."""

    people: int
    inside: int
    held: int
    by_channel: dict[str, dict[str, int]]


@router.post(
    "/preview", summary="Count who would be told, and tell nobody", responses=problems(401, 403, 413, 415, 422, 503)
)
async def preview_audience(body: PreviewIn, house: HouseDep, actor: ActorDep) -> PreviewView:
    """As the store stands now; the audience itself is resolved when the message leaves."""
    actor.require("draft")
    if body.category not in house.desk.categories:
        raise Invalid(f"categories are {', '.join(house.desk.categories)}", pointer="/category")
    async with house.store.reading() as session:
        asked = body.area
        area = await outline(
            session, house.desk, body.severity, asked.wards, asked.areas, asked.drawn, drill=body.drill
        )
        found = await preview(session, house.desk, area, body.category, body.severity, tuple(body.channels))
    return PreviewView(people=found.people, inside=found.inside, held=found.held, by_channel=found.by_channel)
