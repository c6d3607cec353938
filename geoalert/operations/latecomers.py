"""Who comes into the area of a live message after it was released is told, too: once, within seconds.

Whoever subscribes, moves, verifies an address or changes a wish is in the log of changes (`audience.changes`); each
message keeps up to where its audience has followed it. The first mark was taken before the audience was resolved, in
that transaction, so a place that was being written while the message left is either in the audience or behind the mark.

Told once: the alert's row is locked, and whom the message's batches name is left out; for a severity that begins with
one channel of each person, whoever they name by any channel. Those go on where none of theirs told them and the change
gives them another (`operations.going_on`). What is added commits together with the new mark, the new hash and the
announcement, or not at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.audience import resolve
from geoalert.audience.among import Among
from geoalert.audience.changes import Position, changed_since
from geoalert.audience.rules import REACH
from geoalert.audit import append
from geoalert.dispatch.entries import entries_of
from geoalert.dispatch.heard import distinct
from geoalert.dispatch.outcomes import AT_ONCE
from geoalert.dispatch.packed import Packed, packed
from geoalert.dispatch.plan import plan_batches
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.tables import Batch
from geoalert.errors import Outdated
from geoalert.operations.desk import Desk
from geoalert.operations.event import FOLLOWED, Event, ids_of, in_company, speaking, take_turn
from geoalert.operations.followed import MANY, changed_of
from geoalert.operations.going_on import first_look, going_on, may_go_on
from geoalert.operations.in_hand import in_hand
from geoalert.operations.next_channel import put_on
from geoalert.operations.release import write_down
from geoalert.operations.sparing import Sparing, sparing
from geoalert.store import IDS_A_QUERY, database_now
from geoalert.subscribers.tables import Subscriber

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
            if len(fresh) or await _goes_on(session, self.desk, message, ids, since.now(session), now):
                return True
        self._looked[message_id] = here
        return False


async def extend(desk: Desk, message_id: int) -> int:
    """Adds to a live message whoever its audience lacks; returns how many people. 0 where it has ended, or where
    another worker or an officer has the alert in hand: the next look finds it again.
    """
    async with desk.store.writing() as session:
        message = await in_hand(session, message_id)
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
        moved = await _move_on(session, desk, message, ids, now)
        if moved:
            held = await packed(session, message.id)
        if not len(fresh):
            return moved
        look_at = first_look(desk, message, now)
        batches = await plan_batches(session, message, fresh, desk.routes, now, late=True, look_at=look_at)
        write_down(message, held.whole().joined(fresh))
        detail = {
            "joined": len(fresh),
            "people": fresh.people(),
            "audience": message.audience_size,
            "audience_hash": message.audience_hash,
        }
        await append(session, BY, "message.joined", message.identifier, detail)
        await desk.engine.enqueue(session, batches)
        return fresh.people() + moved


async def _goes_on(
    session: AsyncSession, desk: Desk, message: Message, ids: Sequence[int], since: datetime, now: datetime
) -> bool:
    """Whether a change gave somebody another channel whom those of the message did not tell. Who signed up since the
    last look is not in it.
    """
    if not may_go_on(message):
        return False
    if len(ids) > IDS_A_QUERY:
        return True
    older = select(Subscriber.id).where(Subscriber.id.in_(ids), Subscriber.created_at < since)
    asked = np.array(sorted(await session.scalars(older)), dtype=np.int64)
    if not len(asked):
        return False
    held = await entries_of(session, message)
    return bool((await going_on(session, desk, message, held, asked, now)).by_cause)


async def _move_on(
    session: AsyncSession, desk: Desk, message: Message, ids: Sequence[int] | None, now: datetime
) -> int:
    """Puts those on their way by their next channel who changed; returns how many. Where it may be anybody, all are
    looked at in turn (`next_channel`), but for what a worker has in hand: it may itself wait for this message.
    """
    if not may_go_on(message):
        return 0
    if ids is None:
        free = select(Batch.id).where(Batch.message_id == message.id).with_for_update(skip_locked=True)
        found = (await session.scalars(free)).all()
        for start in range(0, len(found), IDS_A_QUERY):
            these = Batch.id.in_(found[start : start + IDS_A_QUERY])
            await session.execute(update(Batch).where(these).values(look_at=AT_ONCE))
        return 0
    held = await entries_of(session, message)
    onward = await going_on(session, desk, message, held, distinct(np.array(ids, dtype=np.int64)), now)
    return await put_on(session, desk, message, held, onward, now) if onward.by_cause else 0


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
