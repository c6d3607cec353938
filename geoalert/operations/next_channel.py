"""Who was not told by a channel of a live message is told by their next one (`operations.going_on`), within seconds.

A batch says from when somebody in it may need that (`Batch.look_at`): at once when something failed, and for a Severe
message when its time to arrive is over. So a look costs one question to an index until there is something to do, and
what one worker began another goes on with.

Once per channel: as with latecomers the alert is locked, people are counted with all their channels in this message,
and what is added commits together with the new hash and the announcement, or not at all.
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
from geoalert.audit import append
from geoalert.dispatch.entries import Entries, entries_of
from geoalert.dispatch.heard import distinct
from geoalert.dispatch.tables import Batch
from geoalert.operations.desk import Desk
from geoalert.operations.event import FOLLOWED, take_turn
from geoalert.operations.going_on import Onward, going_on, may_go_on, patience
from geoalert.operations.in_hand import in_hand
from geoalert.operations.release import write_down
from geoalert.store import database_now

log = logging.getLogger(__name__)

BY: Final = "next-channel"  # as the record names it
PART: Final = 100  # batches looked through in one transaction
LONG: Final = 0.5  # seconds; after a longer look the message rests, so that a big one leaves room for the others
REST: Final = 2.0  # times as long as the look took


@dataclass
class NextChannel:
    """Follows the live messages of a store. Any number may run."""

    desk: Desk
    _rests: dict[int, float] = field(default_factory=dict)  # by message: until when

    async def look(self) -> int:
        """Puts on their way whose next channel is due; returns how many people."""
        moved = 0
        for message_id in await self._due():
            begun = time.monotonic()
            try:
                moved += await move_on(self.desk, message_id)
            except Exception:
                # One message must not hold up the others; it is tried again.
                log.exception("the next channels of a message could not be used")
            took = time.monotonic() - begun
            if took > LONG:
                self._rests[message_id] = time.monotonic() + REST * took
        return moved

    async def _due(self) -> list[int]:
        self._rests = {id_: until for id_, until in self._rests.items() if until > time.monotonic()}
        async with self.desk.store.reading() as session:
            now = await database_now(session)
            waits = select(Batch.id).where(Batch.message_id == Message.id, Batch.look_at <= now)
            found = await session.scalars(
                select(Message.id)
                .where(Message.state.in_(LIVE), Message.msg_type.in_(FOLLOWED), Message.expires > now, waits.exists())
                .order_by(Message.severity != "Severe", Message.id)
            )
            return [id_ for id_ in found if id_ not in self._rests]


async def move_on(desk: Desk, message_id: int) -> int:
    """Looks through some of the message's batches that are due; returns how many people go on. 0 where it has ended, or
    where another worker or an officer has the alert in hand: the next look finds it again.
    """
    async with desk.store.writing() as session:
        message = await in_hand(session, message_id)
        if message is None:
            return 0
        alert = await session.get_one(Alert, message.alert_id)
        if not await take_turn(session, desk.category_bits[alert.category], message.severity, wait=False):
            return 0
        now = await database_now(session)
        due = await _due_batches(session, message_id, now)
        held, onward = None, Onward({})
        if may_go_on(message) and due:
            await desk.refresh(session)
            held = await entries_of(session, message)
            asked = distinct(held.packed.owner[np.isin(held.batch, [batch.id for batch in due])])
            onward = await going_on(session, desk, message, held, asked, now)
        for batch in due:
            batch.look_at = _next_look(batch, message, patience(desk, message), now)
        if held is None or not onward.by_cause:
            return 0
        return await put_on(session, desk, message, held, onward, now)


async def put_on(
    session: AsyncSession, desk: Desk, message: Message, held: Entries, onward: Onward, now: datetime
) -> int:
    """Plans, writes down and announces those who go on; returns how many people. The caller holds the message."""
    batches = await onward.plan(session, desk, message, now)
    whole = onward.whole()
    write_down(message, held.packed.whole().joined(whole))
    detail = {
        "moved": len(whole),
        "causes": {cause.name.lower(): len(each) for cause, each in onward.by_cause.items()},
        "audience": message.audience_size,
        "audience_hash": message.audience_hash,
    }
    await append(session, BY, "message.moved", message.identifier, detail)
    await desk.engine.enqueue(session, batches)
    return whole.people()


async def _due_batches(session: AsyncSession, message_id: int, now: datetime) -> Sequence[Batch]:
    """Locked, so that no outcome comes in between; what a worker has in hand is looked at next time, for it may itself
    wait for the message that is held here.
    """
    query = (
        select(Batch)
        .where(Batch.message_id == message_id, Batch.look_at <= now)
        .order_by(Batch.id)
        .limit(PART)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


def _next_look(batch: Batch, message: Message, within: timedelta | None, now: datetime) -> datetime | None:
    """When its time to arrive is over, where that is to come."""
    if within is None:
        return None
    ends = (batch.handed_at or batch.joined_at or message.released_at or now) + within
    return ends if ends > now else None
