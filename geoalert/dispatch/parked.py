"""Letting parked batches go on: once a person has mended what parked them, or the cell publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Alert, Message
from geoalert.audit import append
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.plan import PARKED, UNROUTED, Announced, Route
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch


async def resume_parked(session: AsyncSession, routes: Mapping[int, Route], by: str) -> list[Announced]:
    """Queues every parked batch that has a provider now, except those that wait for the cell; returns them. Where
    there were any, the record says who let how many go on. What still stands still is set aside again.
    """
    stopped = (Batch.state == PARKED) & (Batch.parked_for != Reason.AWAITS_PUBLISHER)
    # The alerts first, as everybody does who ends a message: one order for all, and nobody waits for who waits.
    theirs = select(Message.alert_id).join(Batch, Batch.message_id == Message.id).where(stopped)
    alerts = await session.scalars(select(Alert.id).where(Alert.id.in_(theirs)).order_by(Alert.id).with_for_update())
    messages = select(Message.id).where(Message.alert_id.in_(alerts.all()))
    found = await let_go(session, routes, stopped & Batch.message_id.in_(messages))
    queued = [batch for batch in found if batch.state != PARKED]
    if queued:
        detail = {"batches": len(queued), "recipients": sum(batch.size for batch in queued)}
        await append(session, by, "dispatch.resumed", "parked batches", detail)
    return _announced(queued)


async def publish_parked(
    session: AsyncSession, routes: Mapping[int, Route], message_id: int
) -> tuple[int, list[Announced]]:
    """Lets the posts of the message go that waited for the cell; returns how many, and the batches that workers may
    start. Those without a provider wait for one, and no longer for the cell. The caller holds the alert.
    """
    stopped = (Batch.state == PARKED) & (Batch.parked_for == Reason.AWAITS_PUBLISHER)
    found = await let_go(session, routes, stopped & (Batch.message_id == message_id))
    return sum(batch.size for batch in found), _announced([batch for batch in found if batch.state != PARKED])


async def let_go(session: AsyncSession, routes: Mapping[int, Route], which: ColumnElement[bool]) -> Sequence[Batch]:
    """Queues those of these parked batches that have a provider; the others stay parked for want of one. Returns all,
    locked.
    """
    found = (await session.scalars(select(Batch).where(which).order_by(Batch.id).with_for_update())).all()
    for batch in found:
        waiting = [position for position, reason in enumerate(batch.reasons) if reason == Reason.AWAITS_PUBLISHER]
        if waiting:
            await merge_outcomes(session, batch.id, dict.fromkeys(waiting, (Outcome.PENDING, Reason.NONE)))
        batch.provider = batch.provider or routes.get(batch.channel, UNROUTED).provider
        if batch.provider:
            batch.state, batch.parked_for = "queued", Reason.NONE
        else:
            batch.parked_for = Reason.NO_PROVIDER
    return found


def _announced(batches: Sequence[Batch]) -> list[Announced]:
    return [Announced(batch.id, batch.priority, batch.channel) for batch in batches]
