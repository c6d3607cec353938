"""What comes after: an update, the all-clear, the posts the cell publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import Content, Request, find_alert, messages_of, newest
from geoalert.alerts.approval import own_officer, record
from geoalert.alerts.content import as_stored
from geoalert.alerts.drafting import add_message, next_number
from geoalert.alerts.states import move
from geoalert.alerts.tables import Alert, Message
from geoalert.alerts.texts import read_texts
from geoalert.audit import append
from geoalert.departments import Actor
from geoalert.dispatch.parked import publish_parked
from geoalert.errors import Conflict
from geoalert.operations.compose import compose
from geoalert.operations.desk import Desk
from geoalert.operations.release import Released, put_on_its_way
from geoalert.operations.repeat import refuse_repeat
from geoalert.store import database_now

ALL_CLEAR_HOLDS: Final = timedelta(hours=24)


async def draft_update(session: AsyncSession, desk: Desk, actor: Actor, alert: Alert, request: Request) -> Message:
    """The next message of a live alert, in draft; it needs its own approval.

    Raises:
        Conflict: the alert is not live, another message is being prepared, or nothing has changed.
    """
    actor.require("draft")
    actor.require_department(alert.department_id)
    await find_alert(session, alert.identifier, lock=True)
    last = await newest(session, alert, lock=True)
    if last.state != "released" or last.msg_type == "Cancel":
        state = "an all-clear" if last.msg_type == "Cancel" else last.state
        raise Conflict(f"only a live alert can be updated; its newest message is {state}")
    fixed = replace(request, category=alert.category, drill=alert.drill, incident=alert.incident)
    content = await compose(session, desk, fixed)
    number = await next_number(session, alert)
    message = await add_message(session, actor, alert, content, msg_type="Update", number=number)
    refuse_repeat(message, [last], ())  # what other alerts say is looked at when it leaves
    return message


async def cancel(
    session: AsyncSession,
    desk: Desk,
    actor: Actor,
    identifier: str,
    texts: Mapping[str, Mapping[str, str]],
    reason: str,
) -> Released:
    """The all-clear: stops what has not left and tells everyone who was told, and nobody else.

    It rests on one officer's word, for a danger that is over must not be shown longer than it takes to say so; the
    word leaves a review open.

    Raises:
        Forbidden: not an officer of the owning department.
        Conflict: nothing was sent, or it was cancelled already.
    """
    actor.require("cancel")
    alert = await find_alert(session, identifier, lock=True)
    own_officer(actor, alert)
    chain = await messages_of(session, alert)
    live = [message for message in chain if message.state == "released" and message.msg_type != "Cancel"]
    if not live:
        raise Conflict("nothing of this alert is live; there is nothing to cancel")
    for message in chain:
        if message.state in {"draft", "submitted", "returned", "approved"}:
            move(message, "withdraw")
    now = await database_now(session)
    content = _all_clear(live[-1], texts, now)
    message = await add_message(session, actor, alert, content, msg_type="Cancel", number=chain[-1].number + 1)
    move(message, "break_glass")
    await record(session, actor, message, "one_word", reason or "all clear")
    return await put_on_its_way(session, desk, actor.name, alert, message, chain, posts_wait=False, confirm_empty=True)


def _all_clear(last: Message, texts: Mapping[str, Mapping[str, str]], now: datetime) -> Content:
    before = as_stored(last.content, last.area)
    return replace(
        before,
        urgency="Past",
        certainty="Observed",
        onset=None,
        expires=now + ALL_CLEAR_HOLDS,
        texts=read_texts(texts, all_languages=not set(before.texts) <= set(texts)),
        send_at=None,
        remind_at=None,
        reminds=None,
    )


async def publish(session: AsyncSession, desk: Desk, actor: Actor, alert: Alert) -> int:
    """The cell lets the social posts of the live message go; returns how many. What has no provider yet leaves when
    there is one.

    Raises:
        Conflict: nothing waits for the cell.
    """
    actor.require("publish")
    _ = actor.person
    await find_alert(session, alert.identifier, lock=True)
    live = [message for message in await messages_of(session, alert) if message.state == "released"]
    if live and live[-1].expires <= await database_now(session):
        raise Conflict("the message has expired; nothing of it is posted any more")
    posts, queued = await publish_parked(session, desk.routes, live[-1].id) if live else (0, [])
    if not posts:
        raise Conflict("no post waits for the cell")
    await append(session, actor.name, "message.published", live[-1].identifier, {"posts": posts})
    await desk.engine.enqueue(session, queued)
    return posts
