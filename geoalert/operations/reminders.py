"""Reminders: those told of what is planned are told once more, at the moment its author chose.

A reminder is the next message of the chain: the same words with each headline marked, resting on the approval of the
message it reminds of, and released as an update is. So it goes to everyone that message told and to whom it would tell
now, each in their language and by their channels; a place, a wish, a STOP, quiet hours and the expiry are looked at as
they are by then, and what had not left of the message does not leave any more. Posts wait for the cell, as ever.

- Once: the alert is locked and looked at again, and the message is superseded in the transaction that reminds of it.
- Only of what holds: an update (whose own `remind_at` counts from then) or an all-clear ends the message, and with it
  its reminder. What is only being prepared does not: until it leaves, what was told holds. It keeps its place as the
  newest of the chain.
- It is no changed fact: it says what its message says (`alerts.facts`), so it speaks for other alerts of the event, or
  is spoken for, exactly as that one was, and an update in the old words is still a repeat.
- The weekly budget (`operations.sparing`) counts alerts: a reminder takes nothing of anybody's week and reaches whoever
  heard the alert; who was spared it, because their week was spent, stays so unless there is room in it by now. A
  second message about a thing of low severity is the department's choice, was approved, and is at most one.
- Late (no worker was up): it leaves while it is still of use, else it is left out; the record says so.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.approval import carry_over
from geoalert.alerts.content import as_stored, reminder_of
from geoalert.alerts.drafting import messages_of, newest, next_number, write_message
from geoalert.alerts.facts import onset_of
from geoalert.alerts.states import LIVE, move
from geoalert.alerts.tables import Alert, Message
from geoalert.audit import append
from geoalert.errors import Outdated
from geoalert.operations.desk import Desk
from geoalert.operations.event import FOLLOWED
from geoalert.operations.release import put_on_its_way
from geoalert.store import database_now

log = logging.getLogger(__name__)

BY: Final = "reminders"  # as the record names it
IN_TIME: Final = timedelta(minutes=1)  # a scheduler that is up looks each second
OF_USE: Final = timedelta(minutes=15)  # before the alert expires, for a reminder that is late
LEFT_OUT: Final = ("passed", "begun", "ending")
PASSED, BEGUN, ENDING = LEFT_OUT


async def remind_due(desk: Desk) -> int:
    """Reminds of what is due, each alert in a transaction of its own; returns of how many."""
    async with desk.store.reading() as session:
        now = await database_now(session)
        asked = select(Message.id).where(Message.remind_at <= now, Message.state.in_(LIVE))
        open_ = asked.where(Message.reminded_at.is_(None), Message.reminder_left_out.is_(None))
        due = list(await session.scalars(open_.order_by(Message.remind_at, Message.id)))
    reminded = 0
    for message_id in due:
        try:
            reminded += await remind(desk, message_id)
        except Outdated:
            raise
        except Exception:
            # One that cannot leave must not hold up those behind it; it is tried again.
            log.exception("a reminder could not be sent")
    return reminded


async def remind(desk: Desk, message_id: int) -> bool:
    """Reminds of one message, if it still asks for that; False too where another worker or an officer has the alert in
    hand: the next look finds it again.
    """
    async with desk.store.writing() as session:
        of_message = select(Message.alert_id).where(Message.id == message_id).scalar_subquery()
        # The alert first, as everybody does who ends a message.
        held = select(Alert).where(Alert.id == of_message).with_for_update(skip_locked=True)
        alert = (await session.scalars(held)).one_or_none()
        if alert is None:
            return False
        message = (await session.scalars(select(Message).where(Message.id == message_id).with_for_update())).one()
        now = await database_now(session)
        if not _asks(message, now):
            return False
        why = left_out(message, now)
        if why is not None:
            message.reminder_left_out = why
            await append(session, BY, "message.reminder_left_out", message.identifier, {"why": why})
            return False
        message.reminded_at = await _remind(session, desk, alert, message)
        return True


def _asks(message: Message, now: datetime) -> bool:
    in_force = message.state in LIVE and message.msg_type in FOLLOWED
    settled = message.reminded_at is not None or message.reminder_left_out is not None
    return in_force and not settled and message.remind_at is not None and message.remind_at <= now


def left_out(message: Message, now: datetime) -> str | None:
    """Why nobody is to be reminded of a live message whose reminder's time has come, as `LEFT_OUT`; None: they are."""
    at, onset = message.remind_at or now, onset_of(message.content)
    if message.released_at is None or message.released_at >= at:
        return PASSED
    late = now - at > IN_TIME
    if late and onset is not None and now > onset:
        return BEGUN
    if message.expires <= now or (late and message.expires - now < OF_USE):
        return ENDING
    return None


async def _remind(session: AsyncSession, desk: Desk, alert: Alert, message: Message) -> datetime | None:
    content = reminder_of(as_stored(message.content, message.area), message.identifier)
    number = await _place(session, alert)
    officers = list(message.author_officers)
    reminder = await write_message(session, BY, officers, alert, content, msg_type="Update", number=number)
    reminder.says = message.says
    approved_by = await carry_over(session, message, reminder)
    for step in ("submit", "approve", "release"):
        move(reminder, step)
    detail = {"reminder": reminder.identifier, "approved": message.content_hash, "approved_by": approved_by}
    await append(session, BY, "message.reminded", message.identifier, detail)
    earlier = [old for old in await messages_of(session, alert) if old.number < number]
    # Whoever approved the hour also approved the area: that nobody is left in it is no obstacle.
    await put_on_its_way(session, desk, BY, alert, reminder, earlier, posts_wait=True, confirm_empty=True)
    return reminder.released_at


async def _place(session: AsyncSession, alert: Alert) -> int:
    """The number of what leaves now: what is being prepared follows it, and stays the newest."""
    last, free = await newest(session, alert, lock=True), await next_number(session, alert)
    if last.released_at is not None:
        return free
    number, last.number = last.number, free
    await session.flush()
    return number
