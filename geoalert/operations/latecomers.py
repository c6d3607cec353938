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
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.audience import resolve
from geoalert.audience.among import Among
from geoalert.audience.changes import Position, changed_since
from geoalert.audience.rules import REACH
from geoalert.audit import append
from geoalert.dispatch.packed import Packed, packed
from geoalert.dispatch.plan import plan_batches
from geoalert.dispatch.recipients import Recipients
from geoalert.errors import Outdated
from geoalert.operations.desk import Desk
from geoalert.operations.event import FOLLOWED, Event, ids_of, in_company, speaking, take_turn
from geoalert.operations.followed import MANY, changed_of
from geoalert.operations.release import write_down
from geoalert.operations.sparing import Sparing, sparing
from geoalert.store import database_now

log = logging.getLogger(__name__)

BY: Final = "latecomers"  # as the record names it
REST: Final = 10.0  # seconds until the whole audience is resolved again: an import changes many, second after second
REFRESH: Final = timedelta(minutes=5)  # after which the mark is moved though nobody joined
COMPANY: Final = timedelta(minutes=1)  # after which everybody is looked at where others speak for a message


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
            except Outdated:
                raise
            except Exception:
                # One message that cannot be extended must not hold up the others; it is tried again.
                log.exception("the latecomers of a message could not be told")
        return told

    async def _joined(self) -> list[int]:
        """Messages that somebody seems to have joined, or whose mark is old."""
        async with self.desk.store.reading() as session:
            now = await database_now(session)
            rows = await session.execute(
                select(Message.id, Message.audience_mark, Message.audience_followed_at, Message.audience_beside)
                .where(Message.state.in_(LIVE), Message.msg_type.in_(FOLLOWED), Message.expires > now)
                .order_by(Message.severity != "Extreme", Message.severity != "Severe", Message.id)
            )
            live = rows.all()
            self._looked = {id_: self._looked[id_] for id_, *_ in live if id_ in self._looked}
            self._rests = {id_: until for id_, until in self._rests.items() if until > time.monotonic()}
            company = await in_company(session, now)
            return [
                id_
                for id_, mark, at, beside in live
                if await self._has_joined(session, id_, mark, at, now)
                or (beside and (at is None or now - at > COMPANY))
                or ((beside or id_ in company) and await _other_company(session, id_, now))
            ]

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
            alert = await session.get_one(Alert, message.alert_id)
            await self.desk.refresh(session)
            spare = await sparing(session, self.desk, Event.of(alert, message), now, Among(ids))
            fresh, _ = await _newcomers(session, self.desk, message, spare, now)
            if len(fresh):
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
        alert = await session.get_one(Alert, message.alert_id)
        if not await take_turn(session, desk.category_bits[alert.category], message.severity, wait=False):
            return 0
        now = await database_now(session)
        await desk.refresh(session)
        spare = await sparing(session, desk, Event.of(alert, message), now)
        speakers = ids_of(spare.speakers)
        here, ids = await changed_of(session, message, now)
        # Whom another alert tells in this one's stead may be anybody: once it speaks no more, and now and then for
        # those it did not reach, everybody is looked at.
        beside, at = message.audience_beside or [], message.audience_followed_at
        due = beside and (at is None or now - at > COMPANY)
        if ids is not None and not due and set(beside) <= set(speakers):
            spare = replace(spare, find=Among(ids))
        fresh, held = await _newcomers(session, desk, message, spare, now)
        message.audience_mark, message.audience_followed_at, message.audience_beside = here.seen, now, speakers
        if not len(fresh):
            return 0
        batches = await plan_batches(session, message, fresh, desk.routes, now, late=True)
        write_down(message, held.whole().joined(fresh))
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

    The alert first, as everybody does who ends a message.
    """
    of_message = select(Message.alert_id).where(Message.id == message_id).scalar_subquery()
    alert = select(Alert.id).where(Alert.id == of_message).with_for_update(skip_locked=True)
    if (await session.execute(alert)).one_or_none() is None:
        return None
    query = select(Message).where(Message.id == message_id).with_for_update()
    message = (await session.scalars(query)).one()
    live = message.state in LIVE and message.msg_type in FOLLOWED
    return message if live and message.expires > await database_now(session) else None


async def _other_company(session: AsyncSession, message_id: int, now: datetime) -> bool:
    """Whether other messages speak for this one than when its audience was last followed."""
    message = await session.get_one(Message, message_id)
    alert = await session.get_one(Alert, message.alert_id)
    return ids_of(await speaking(session, Event.of(alert, message), now)) != (message.audience_beside or [])


async def _newcomers(
    session: AsyncSession, desk: Desk, message: Message, spare: Sparing, now: datetime
) -> tuple[Recipients, Packed]:
    """Whom, of those the spare's way finds, the rules tell and the message does not name; and whom it names."""
    aim = desk.aim(message.area, spare.event.category, message.severity, spare.event.channels, now=now)
    members = (await resolve(session, aim, now, spare.find, spare)).members
    if not len(members):
        return Recipients.none(), Packed.none()
    held = await packed(session, message.id)
    known = held.naming(members.subscriber)
    fresh = Recipients.of(members.subscriber, members.channel, members.language, members.hold).without(known)
    if not REACH[message.severity].all_channels:
        fresh = fresh.only(~np.isin(fresh.owner, known.owner))
    return fresh, held
