"""Drafting: a new alert, a change to a draft, the next message of a chain."""

from __future__ import annotations

import json
import uuid

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.content import Content, hash_of
from geoalert.alerts.facts import says
from geoalert.alerts.states import move
from geoalert.alerts.tables import Alert, Message
from geoalert.audit import append
from geoalert.departments import Actor
from geoalert.errors import Conflict, NotFound
from geoalert.store import database_now


async def find_alert(session: AsyncSession, identifier: str, *, lock: bool = False) -> Alert:
    """The alert of that identifier.

    Raises:
        NotFound: there is none.
    """
    query = select(Alert).where(Alert.identifier == identifier)
    alert = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if alert is None:
        raise NotFound("no such alert")
    return alert


async def newest(session: AsyncSession, alert: Alert, *, lock: bool = False) -> Message:
    """The message that is worked on or in force: the last of the chain that was not withdrawn, if there is one."""
    query = (
        select(Message)
        .where(Message.alert_id == alert.id)
        .order_by(Message.state == "withdrawn", Message.number.desc())
        .limit(1)
    )
    return (await session.scalars(query.with_for_update() if lock else query)).one()


async def next_number(session: AsyncSession, alert: Alert) -> int:
    """The number the next message of the chain takes; withdrawn ones keep theirs."""
    return (await session.scalar(select(func.max(Message.number)).where(Message.alert_id == alert.id)) or 0) + 1


async def messages_of(session: AsyncSession, alert: Alert) -> list[Message]:
    """The whole chain in order."""
    return list(await session.scalars(select(Message).where(Message.alert_id == alert.id).order_by(Message.number)))


async def draft(
    session: AsyncSession,
    actor: Actor,
    department_id: int,
    content: Content,
) -> tuple[Alert, Message]:
    """A new alert with its first message in draft.

    Raises:
        Forbidden: no right to draft, or for this department.
    """
    actor.require("draft")
    actor.require_department(department_id)
    now = await database_now(session)
    alert = Alert(
        identifier=str(uuid.uuid4()),
        department_id=department_id,
        category=content.category,
        drill=content.drill,
        incident=content.incident,
        created_at=now,
    )
    session.add(alert)
    await session.flush()
    message = await add_message(session, actor, alert, content, msg_type="Alert", number=1)
    return alert, message


async def add_message(
    session: AsyncSession,
    actor: Actor,
    alert: Alert,
    content: Content,
    *,
    msg_type: str,
    number: int,
) -> Message:
    """The next message of a chain, in draft."""
    officers = [] if actor.officer_id is None else [actor.officer_id]
    return await write_message(session, actor.name, officers, alert, content, msg_type=msg_type, number=number)


async def write_message(
    session: AsyncSession,
    by: str,
    officers: list[int],
    alert: Alert,
    content: Content,
    *,
    msg_type: str,
    number: int,
) -> Message:
    """The same by whoever it is, in words of these officers."""
    document = content.document()
    message = Message(
        alert_id=alert.id,
        identifier=str(uuid.uuid4()),
        number=number,
        msg_type=msg_type,
        state="draft",
        severity=content.severity,
        expires=content.expires,
        send_at=content.send_at,
        remind_at=content.remind_at,
        content=document,
        content_hash=hash_of(document),
        says=says(json.loads(document)),
        area=content.area,
        author=by,
        author_officers=officers,
        created_at=await database_now(session),
    )
    session.add(message)
    await session.flush()
    await append(
        session,
        by,
        "message.drafted",
        message.identifier,
        {"alert": alert.identifier, "msg_type": msg_type, "content_hash": message.content_hash},
    )
    return message


async def edit(session: AsyncSession, actor: Actor, alert: Alert, content: Content) -> Message:
    """Replaces the text and area of what has not left; any approval falls away with the old hash.

    Raises:
        Conflict: it has left, or the category would change.
    """
    actor.require("draft")
    actor.require_department(alert.department_id)
    message = await newest(session, alert, lock=True)
    if (content.category, content.drill, content.incident) != (alert.category, alert.drill, alert.incident):
        raise Conflict("category, drill and incident are fixed once drafted; draft a new alert")
    move(message, "edit")
    document = content.document()
    message.content, message.content_hash, message.says = document, hash_of(document), says(json.loads(document))
    message.area, message.severity, message.expires = content.area, content.severity, content.expires
    message.author, message.send_at, message.remind_at = actor.name, content.send_at, content.remind_at
    if actor.officer_id is not None and actor.officer_id not in message.author_officers:
        message.author_officers = [*message.author_officers, actor.officer_id]
    await append(session, actor.name, "message.edited", message.identifier, {"content_hash": message.content_hash})
    return message
