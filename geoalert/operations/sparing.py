"""Whom we leave in peace though an alert's rules would tell them: told of the event already, or of enough this week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Alert, Message
from geoalert.audience import Aim, Finder, resolve
from geoalert.audience.among import Among
from geoalert.dispatch.heard import among, distinct, heard
from geoalert.dispatch.packed import packed
from geoalert.dispatch.tables import Batch
from geoalert.operations.channels import POST, channels_of
from geoalert.operations.desk import Desk
from geoalert.operations.event import FOLLOWED, LOW, Event, Speaker, defers, ids_of, speaking
from geoalert.operations.followed import changed_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEEK: Final = timedelta(days=7)
REASONS: Final = ("told_of_event", "weekly_budget")


@dataclass(frozen=True, slots=True)
class Sparing:
    """An `audience.Spare` for one message. `speakers` are the live messages that speak for it (`operations.event`)."""

    event: Event
    speakers: Sequence[Speaker]
    find: Finder
    aim_of: Callable[[Message], Aim]
    budget: int
    now: datetime

    async def __call__(self, session: AsyncSession, ids: NDArray[np.int64]) -> Mapping[str, NDArray[np.bool_]]:
        spared: dict[str, NDArray[np.bool_]] = {}
        if self.speakers:
            spared["told_of_event"] = await self._told(session, ids)
        if self.budget and self.event.severity in LOW:
            spared["weekly_budget"] = await self._worn(session, ids)
        return spared

    async def _told(self, session: AsyncSession, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who hears a speaker and has a place in its area (who moved out of that hears this one, too), and who is about
        to hear it, as a latecomer.
        """
        told = np.zeros(len(ids), dtype=bool)
        hearers = await heard(session, Batch.message_id.in_(ids_of(self.speakers)))
        for message, _ in self.speakers:
            hears = among(ids, hearers[message.id]) if message.id in hearers else np.zeros(len(ids), dtype=bool)
            if hears.any():
                aim = self.aim_of(message)
                hears &= among(ids, (await self.find(session, aim.area, aim.ground_of)).subscriber)
            told |= hears
            if defers(self.event, message, self.now):
                told |= await self._to_come(session, message, ids)
        return told

    async def _to_come(self, session: AsyncSession, message: Message, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who changed since that message's audience was followed, and is told by it at the next look."""
        _, changed = await changed_of(session, message, self.now)
        late = ids if changed is None else np.intersect1d(ids, np.array(changed, dtype=np.int64))
        if len(late):  # of whom it names it is known what became of them
            late = late[~among(late, distinct((await packed(session, message.id)).owner))]
        if not len(late):
            return np.zeros(len(ids), dtype=bool)
        find = self.find if changed is None else Among(late.tolist())
        members = (await resolve(session, self.aim_of(message), self.now, find)).members
        theirs = distinct(members.subscriber)
        return among(ids, theirs[among(theirs, late)])

    async def _worn(self, session: AsyncSession, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who has heard of as many other alerts of low severity within the week as the budget allows. What follows such
        an alert counts as the same one, and always reaches who heard the first; alerts of this event do not count.
        """
        begun = self.now - WEEK
        rows = await session.execute(
            select(Message.id, Message.alert_id, Message.says, Alert.incident)
            .join(Alert, Alert.id == Message.alert_id)
            .where(
                Message.severity.in_(LOW),
                Message.msg_type.in_(FOLLOWED),
                Message.released_at.is_not(None),
                Message.expires > begun,  # who came late to one that was released before may have heard it since
                Alert.drill == self.event.drill,
            )
        )
        alert_of = {id_: alert for id_, alert, says, incident in rows if not self.event.shared(alert, says, incident)}
        of_the_week = or_(Batch.joined_at > begun, and_(Batch.joined_at.is_(None), Message.released_at > begun))
        hearers = await heard(session, Batch.message_id.in_(list(alert_of)), of_the_week)
        times = np.zeros(len(ids), dtype=np.int64)
        for alert in sorted(set(alert_of.values())):
            hears = np.zeros(len(ids), dtype=bool)
            for message in (id_ for id_, of in alert_of.items() if of == alert and id_ in hearers):
                hears |= among(ids, hearers[message])
            times += hears
        return times >= self.budget


async def sparing(
    session: AsyncSession,
    desk: Desk,
    event: Event,
    now: datetime,
    find: Finder | None = None,
    speakers: Sequence[Speaker] | None = None,
) -> Sparing:
    """Whom an audience of this event, found so, spares. Who speaks for it is looked up unless given."""

    def aim_of(message: Message) -> Aim:
        channels = channels_of(message) - {POST}
        return desk.aim(message.area, event.category, message.severity, channels, now=now)

    return Sparing(
        event=event,
        speakers=await speaking(session, event, now) if speakers is None else speakers,
        find=find or desk.find,
        aim_of=aim_of,
        budget=desk.weekly_budget,
        now=now,
    )
