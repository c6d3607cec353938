"""Approval. Whoever approves a message with an hour is the last to look at it before it leaves by the clock: so they
are told, as whoever sends one is, where it would reach nobody.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert import alerts
from geoalert.alerts import messages_of
from geoalert.alerts.tables import Alert, Message
from geoalert.departments import Actor
from geoalert.dispatch.told import told_before
from geoalert.errors import Conflict
from geoalert.operations.desk import Desk
from geoalert.operations.emptiness import why_nobody
from geoalert.operations.event import Event, speaking
from geoalert.operations.release import aim_of, inside
from geoalert.store import database_now


async def approve(
    session: AsyncSession,
    desk: Desk,
    actor: Actor,
    alert: Alert,
    content_hash: str | None,
    note: str = "",
    *,
    confirm_empty: bool = False,
) -> Message:
    """One named officer's approval of exactly this content.

    Raises:
        Forbidden: as `alerts.approve`.
        Conflict: as there, or it leaves by the clock, nobody would be told as things stand, and that was not confirmed.
    """
    message = await alerts.approve(session, actor, alert, content_hash, note)
    if message.send_at is not None and not confirm_empty:
        await _refuse_nobody(session, desk, alert, message)
    return message


async def _refuse_nobody(session: AsyncSession, desk: Desk, alert: Alert, message: Message) -> None:
    earlier = [old.id for old in await messages_of(session, alert) if old.number < message.number]
    if earlier and len(await told_before(session, earlier)):
        return
    look = await desk.look(session, message.area)
    now = await database_now(session)
    speakers = await speaking(session, Event.of(alert, message), now)
    told, spared = await inside(session, desk, alert, message, speakers, now, look.find, posts_wait=True)
    if not told.people():
        why = await why_nobody(session, aim_of(desk, alert, message, now), now, look.find, spared)
        raise Conflict(f"nobody would be told as things stand: {why}; confirm to approve all the same")
