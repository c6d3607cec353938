"""What is decided about an alert. Each step waits for the alert's row, so two hands cannot take it at once."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.idempotency import Answer, OnceDep
from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.alert_bodies import ApproveIn, CancelIn, ContentIn, NoteIn, SendIn, plain
from api.v1.alert_views import AlertView, CountView, ReleasedView, alert_view, released_view
from api.v1.reach import alert_within_reach
from geoalert.alerts import review, send_back, submit, withdraw
from geoalert.operations.approve import approve
from geoalert.operations.follow_up import cancel, draft_update, publish
from geoalert.operations.release import release

router = APIRouter(
    prefix="/v1/alerts/{identifier}",
    tags=["decisions"],
    responses=problems(401, 403, 404, 409, 413, 415, 422, 503),
)


@router.post("/submit", summary="Hand it to the department's officers", response_model=AlertView)
async def submit_alert(identifier: UUID, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """A key may submit."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        await submit(session, actor, alert)
        return Answer(await alert_view(session, alert, house.desk))

    return await once(effect)


@router.post("/approve", summary="One named officer's word on exactly this content", response_model=AlertView)
async def approve_alert(identifier: UUID, body: ApproveIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """Only an officer of the owning department, never the author, never a key. Where it leaves by the clock and nobody
    would be told as things stand, that has to be confirmed.
    """

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        await approve(session, house.desk, actor, alert, body.content_hash, body.note, confirm_empty=body.confirm_empty)
        return Answer(await alert_view(session, alert, house.desk))

    return await once(effect)


@router.post("/return", summary="Give it back to its author", response_model=AlertView)
async def return_alert(identifier: UUID, body: NoteIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """With a note that says what should change."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        await send_back(session, actor, alert, body.note)
        return Answer(await alert_view(session, alert, house.desk))

    return await once(effect)


@router.post("/withdraw", summary="End what has not left", response_model=AlertView)
async def withdraw_alert(identifier: UUID, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """Nobody was told, so nobody is."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        await withdraw(session, actor, alert)
        return Answer(await alert_view(session, alert, house.desk))

    return await once(effect)


@router.post("/send", summary="Let the approved message leave", response_model=ReleasedView)
async def send_alert(
    identifier: UUID, house: HouseDep, actor: ActorDep, once: OnceDep, body: SendIn | None = None
) -> Response:
    """The audience is resolved and stored in this transaction; workers do the rest."""
    confirmed = body is not None and body.confirm_empty

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        released = await release(session, house.desk, actor, alert, confirm_empty=confirmed)
        return Answer(released_view(alert.identifier, released))

    return await once(effect)


@router.post("/update", status_code=201, summary="Draft the next message of a live alert", response_model=AlertView)
async def update_alert(identifier: UUID, body: ContentIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """It needs its own approval; category, drill and incident are the alert's."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        request = body.request(alert.category, drill=alert.drill, incident=alert.incident)
        await draft_update(session, house.desk, actor, alert, request)
        return Answer(await alert_view(session, alert, house.desk), f"/v1/alerts/{alert.identifier}")

    return await once(effect, 201)


@router.post("/cancel", summary="The all-clear", response_model=ReleasedView)
async def cancel_alert(identifier: UUID, body: CancelIn, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """Stops what has not left and tells everyone who was told, on one officer's word; a review stays open."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        released = await cancel(session, house.desk, actor, alert.identifier, plain(body.texts), body.reason)
        return Answer(released_view(alert.identifier, released))

    return await once(effect)


@router.post("/publish", summary="Let the social posts go", response_model=CountView)
async def publish_alert(identifier: UUID, house: HouseDep, actor: ActorDep, once: OnceDep) -> Response:
    """The cell's last step; the department approved the words."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        return Answer(CountView(count=await publish(session, house.desk, actor, alert)))

    return await once(effect)


@router.post("/review", summary="Close what one person's word opened", response_model=CountView)
async def review_alert(identifier: UUID, body: NoteIn, actor: ActorDep, once: OnceDep) -> Response:
    """By another officer than the one who gave it."""

    async def effect(session: AsyncSession) -> Answer:
        alert = await alert_within_reach(session, actor, identifier, lock=True)
        return Answer(CountView(count=await review(session, actor, alert, body.note)))

    return await once(effect)
