"""Break-glass: disaster management sends on one officer's word; a review stays open until another closes it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import Request, draft
from geoalert.alerts.approval import record
from geoalert.alerts.states import move
from geoalert.alerts.tables import Alert
from geoalert.departments import Actor
from geoalert.errors import Invalid
from geoalert.operations.compose import compose
from geoalert.operations.desk import Desk
from geoalert.operations.release import Released, put_on_its_way
from geoalert.subscribers.codes import EMERGENCIES


async def broadcast(
    session: AsyncSession, desk: Desk, actor: Actor, request: Request, reason: str, *, confirm_empty: bool = False
) -> tuple[Alert, Released]:
    """Drafts, records the officer's word and releases in one transaction.

    Raises:
        Forbidden: a machine's key, or an officer without the right.
        Invalid: no reason, not an emergency, a reminder asked for, or the content is wrong.
    """
    actor.require("broadcast")
    _ = actor.person
    if request.severity not in EMERGENCIES:
        raise Invalid("one person's word is enough for Severe and Extreme only", pointer="/severity")
    if not reason.strip():
        raise Invalid("say why this cannot wait for a second officer", pointer="/reason")
    if request.remind_at is not None:
        raise Invalid("a reminder can wait for a second officer; ask for it in an alert", pointer="/remind_at")
    content = await compose(session, desk, request)
    alert, message = await draft(session, actor, actor.department_id, content)
    move(message, "break_glass")
    await record(session, actor, message, "one_word", reason)
    released = await put_on_its_way(
        session, desk, actor.name, alert, message, [], posts_wait=False, confirm_empty=confirm_empty
    )
    return alert, released
