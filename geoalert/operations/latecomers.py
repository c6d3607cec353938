"""Who comes into the area of a live message after it was released is told, too: once, within seconds.

Whoever subscribes, moves, verifies an address or changes a wish is in the log of changes (`audience.changes`); each
message keeps up to where its audience has followed it. The first mark was taken before the audience was resolved, in
that transaction, so a place that was being written while the message left is either in the audience or behind the mark.

Told once: the alert's row is locked, and whom the message's batches name is left out; for a severity that uses one
channel of each person, whoever they name by any channel. What is added commits together with the new mark, the new
hash and the announcement, or not at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.audience import resolve
from geoalert.audience.among import Among
from geoalert.audience.changes import Position, changed_since, position
from geoalert.audience.rules import REACH
from geoalert.audit import append
from geoalert.dispatch.packed import packed
from geoalert.dispatch.plan import plan_batches
from geoalert.dispatch.recipients import Recipients
from geoalert.operations.desk import Desk
from geoalert.operations.release import POST, channels_of, write_down
from geoalert.store import database_now

log = logging.getLogger(__name__)

BY: Final = "latecomers"  # as the record names it
FOLLOWED: Final = ("Alert", "Update")  # an all-clear is for those who were told, and nobody else
MANY: Final = 20_000  # changed people, from where resolving the whole audience is quicker
REST: Final = 10.0  # seconds until the whole audience is resolved again: an import changes many, second after second
REFRESH: Final = timedelta(minutes=5)  # after which the mark is moved though nobody joined
FORGOTTEN: Final = timedelta(minutes=15)  # well before the log is pruned; after it everybody is looked at once


@dataclass
class Latecomers:
    """Follows the live messages of a store. Any number may run: what each remembers only spares it work."""

    desk: Desk
    _looked: dict[int, Position] = field(default_factory=dict)  # by message: up to where nobody joins
    _rests: dict[int, float] = field(default_factory=dict)  # by message: until when

    async def look(self) -> int:
        """Puts on their way whoever joined since the last look; returns how many people."""
        told = 0
        for message_id in await self._joined():
            try:
                told += await extend(self.desk, message_id)
            except Exception:
                # One message that cannot be extended must not hold up the others; it is tried again.
                log.exception("the latecomers of a message could not be told")
        return told

    async def _joined(self) -> list[int]:
        """Messages that somebody seems to have joined, or whose mark is old."""
        async with self.desk.store.reading() as session:
            now = await database_now(session)
            rows = await session.execute(
                select(Message.id, Message.audience_mark, Message.audience_followed_at)
                .where(Message.state.in_(LIVE), Message.msg_type.in_(FOLLOWED), Message.expires > now)
                .order_by(Message.severity != "Extreme", Message.severity != "Severe", Message.id)
            )
            live = rows.all()
            self._looked = {id_: self._looked[id_] for id_, *_ in live if id_ in self._looked}
            self._rests = {id_: until for id_, until in self._rests.items() if until > time.monotonic()}
            return [id_ for id_, mark, at in live if await self._has_joined(session, id_, mark, at, now)]

    async def _has_joined(
        self, session: AsyncSession, message_id: int, mark: str | None, at: datetime | None, now: datetime
    ) -> bool:
        if message_id in self._rests:
            return False
        if mark is None or at is None or now - at > REFRESH:
            return True
        since = Position(mark, at)
        looked = self._looked.get(message_id, since)
        since = since if looked.before(since) else looked
        here, ids = await changed_since(session, since, MANY + 1)
        if len(ids) > MANY or here.before(since):
            self._rests[message_id] = time.monotonic() + REST
            return True
        if ids:
            message = await session.get_one(Message, message_id)
            if len(await _newcomers(session, self.desk, message, ids, now)):
                return True
        self._looked[message_id] = here
        return False


async def extend(desk: Desk, message_id: int) -> int:
    """Adds to a live message whoever its audience lacks; returns how many people. 0 where it has ended, or where
    another worker or an officer has the alert in hand: the next look finds it again.
    """
    async with desk.store.writing() as session:
        message = await _locked(session, message_id)
        if message is None:
            return 0
        now = await database_now(session)
        here, ids = await _changed(session, message, now)
        fresh = await _newcomers(session, desk, message, ids, now)
        message.audience_mark, message.audience_followed_at = here.seen, now
        if not len(fresh):
            return 0
        batches = await plan_batches(session, message, fresh, desk.routes, now, late=True)
        write_down(message, (await packed(session, message.id)).whole())
        detail = {
            "joined": len(fresh),
            "people": fresh.people(),
            "audience": message.audience_size,
            "audience_hash": message.audience_hash,
        }
        await append(session, BY, "message.joined", message.identifier, detail)
        await desk.engine.enqueue(session, batches)
        return fresh.people()


async def _locked(session: AsyncSession, message_id: int) -> Message | None:
    """The message, if it is live and nobody else has its alert: what follows it waits until this transaction ends.

    The alert first, as everybody does who ends a message: an all-clear writes to the record before it touches the
    message, and this the other way round.
    """
    of_message = select(Message.alert_id).where(Message.id == message_id).scalar_subquery()
    alert = select(Alert.id).where(Alert.id == of_message).with_for_update(skip_locked=True)
    if (await session.execute(alert)).one_or_none() is None:
        return None
    query = select(Message).where(Message.id == message_id).with_for_update()
    message = (await session.scalars(query)).one()
    live = message.state in LIVE and message.msg_type in FOLLOWED
    return message if live and message.expires > await database_now(session) else None


async def _changed(session: AsyncSession, message: Message, now: datetime) -> tuple[Position, list[int] | None]:
    """Where the log stands, and who changed since the message's mark; None where anybody may have."""
    at = message.audience_followed_at
    if message.audience_mark is None or at is None or now - at > FORGOTTEN:
        return await position(session), None
    since = Position(message.audience_mark, at)
    here, ids = await changed_since(session, since, MANY + 1)
    # A mark ahead of the log is another store's: this one was restored.
    return here, None if len(ids) > MANY or here.before(since) else ids


async def _newcomers(
    session: AsyncSession, desk: Desk, message: Message, ids: Sequence[int] | None, now: datetime
) -> Recipients:
    """Whom of these (None: of all) the rules tell and the message does not name."""
    if ids is not None and not ids:
        return Recipients.none()
    await desk.refresh(session)
    category = (await session.get_one(Alert, message.alert_id)).category
    aim = desk.aim(message.area, category, message.severity, channels_of(message) - {POST}, now=now)
    members = (await resolve(session, aim, now, desk.find if ids is None else Among(ids))).members
    if not len(members):
        return Recipients.none()
    known = (await packed(session, message.id)).naming(members.subscriber)
    fresh = Recipients.of(members.subscriber, members.channel, members.language, members.hold).without(known)
    if not REACH[message.severity].all_channels:
        fresh = fresh.only(~np.isin(fresh.owner, known.owner))
    return fresh
