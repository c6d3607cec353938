"""Alerts: drafting, reading, editing, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.idempotency import Answer, OnceDep
from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.alert_bodies import DraftIn, EditIn
from api.v1.alert_views import AlertPage, AlertView, alert_view, summary
from api.v1.fields import Incident
from api.v1.reach import alert_within_reach, within_reach
from geoalert.alerts import draft, edit
from geoalert.alerts.tables import Alert, Message
from geoalert.departments import Actor, find_department
from geoalert.departments.tables import Department
from geoalert.errors import Invalid, NotFound
from geoalert.operations.compose import compose
from geoalert.report import alert_report, progress

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


@router.post(
    "",
    status_code=201,
    summary="Draft an alert",
    response_model=AlertView,
    responses=problems(401, 403, 413, 415, 422, 503),
)
async def draft_alert(body: DraftIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """Nothing leaves before an officer of the owning department, who is not the author, has approved it."""
    actor.require("draft")

    async def effect(session: AsyncSession) -> Answer:
        department = await _department(session, actor, body.department)
        request = body.request(body.category, drill=body.drill, incident=body.incident)
        content = await compose(session, house.desk, request)
        alert, _ = await draft(session, actor, department, content)
        return Answer(await alert_view(session, alert, house.desk), f"/v1/alerts/{alert.identifier}")

    return await once(effect, 201)


@router.get("", summary="Alerts within reach, newest first", responses=problems(401, 403, 422, 503))
async def list_alerts(
    house: HouseDep,
    actor: ActorDep,
    after: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    incident: Annotated[Incident | None, Query(description="only those of this event")] = None,
) -> AlertPage:
    """A department sees its own; the cell sees all."""
    actor.require("read")
    async with house.store.reading() as session:
        query = (
            select(Alert, Department.code)
            .join(Department, Department.id == Alert.department_id)
            .where(within_reach(actor))
        )
        if incident is not None:
            query = query.where(Alert.incident == incident)
        if after is not None:
            query = query.where(Alert.id < await _cursor(session, actor, after))
        rows = (await session.execute(query.order_by(Alert.id.desc()).limit(limit + 1))).all()
        newest = await _newest(session, [alert.id for alert, _ in rows])
    page = [summary(alert, code, newest[alert.id]) for alert, code in rows[:limit]]
    return AlertPage(alerts=page, next=page[-1].identifier if len(rows) > limit else None)


@router.get("/{identifier}", summary="One alert with its messages", responses=problems(401, 403, 404, 503))
async def read_alert(identifier: UUID, house: HouseDep, actor: ActorDep) -> AlertView:
    """`content_hash` of the newest message is what an approval names."""
    async with house.store.reading() as session:
        return await alert_view(session, await alert_within_reach(session, actor, identifier), house.desk)


@router.put(
    "/{identifier}",
    summary="Edit what has not left",
    responses=problems(401, 403, 404, 409, 413, 415, 422, 503),
)
async def edit_alert(identifier: UUID, body: EditIn, house: HouseDep, actor: ActorDep) -> AlertView:
    """Takes the whole content anew. An approval falls away with the old content."""
    async with house.store.writing() as session:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        request = body.request(
            alert.category if body.category is None else body.category,
            drill=alert.drill if body.drill is None else body.drill,
            incident=alert.incident if body.incident is None else body.incident,
        )
        content = await compose(session, house.desk, request)
        await edit(session, actor, alert, content)
        return await alert_view(session, alert, house.desk)


@router.get("/{identifier}/report", summary="What became of it", responses=problems(401, 403, 404, 503))
async def read_report(identifier: UUID, house: HouseDep, actor: ActorDep) -> dict[str, Any]:
    """Per message and channel: the audience, the sum of every outcome, and whether the two agree."""
    async with house.store.reading() as session:
        return await alert_report(session, await alert_within_reach(session, actor, identifier))


@router.get("/{identifier}/progress", summary="How far it is", responses=problems(401, 403, 404, 503))
async def read_progress(identifier: UUID, house: HouseDep, actor: ActorDep) -> dict[str, Any]:
    """Outcomes of the newest released message by channel."""
    async with house.store.reading() as session:
        return await progress(session, await alert_within_reach(session, actor, identifier))


async def _department(session: AsyncSession, actor: Actor, code: str | None) -> int:
    if code is None:
        return actor.department_id
    try:
        return (await find_department(session, code)).id
    except NotFound as unknown:
        raise Invalid(unknown.reason, pointer="/department") from None


async def _cursor(session: AsyncSession, actor: Actor, after: UUID) -> int:
    try:
        return (await alert_within_reach(session, actor, after)).id
    except NotFound:
        raise Invalid("take `next` from the page before", pointer="/after") from None


async def _newest(session: AsyncSession, alerts: list[int]) -> dict[int, Message]:
    messages = await session.scalars(
        select(Message).where(Message.alert_id.in_(alerts)).order_by(Message.state != "withdrawn", Message.number)
    )
    return {message.alert_id: message for message in messages}
