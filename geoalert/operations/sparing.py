"""Whom we leave in peace though an alert's rules would tell them: told of the event already, or of enough this week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Alert, Message
from geoalert.audience import Finder
from geoalert.dispatch.heard import among, heard
from geoalert.operations.desk import Desk
from geoalert.operations.event import FOLLOWED, Event, Speaker, ids_of, speaking

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOW: Final = frozenset({"Minor", "Unknown"})
WEEK: Final = timedelta(days=7)
REASONS: Final = ("told_of_event", "weekly_budget")


@dataclass(frozen=True, slots=True)
class Sparing:
    """An `audience.Spare` for one message. `speakers` are the live messages that speak for it (`operations.event`)."""

    event: Event
    speakers: Sequence[Speaker]
    find: Finder
    ground_of: Callable[[str], BaseGeometry]
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
        """Who hears a speaker and has a place in its area: who moved out of that hears this one, too."""
        told = np.zeros(len(ids), dtype=bool)
        hearers = await heard(session, ids_of(self.speakers))
        for message, _ in self.speakers:
            hears = among(ids, hearers[message.id]) if message.id in hearers else told
            if hears.any() and not told.all():
                inside = await self.find(session, message.area, self.ground_of)
                told = told | (hears & among(ids, inside.subscriber))
        return told

    async def _worn(self, session: AsyncSession, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Who has heard of as many other alerts of low severity within the week as the budget allows. What follows such
        an alert counts as the same one, and always reaches who heard the first.
        """
        rows = (
            await session.execute(
                select(Message.id, Message.alert_id)
                .join(Alert, Alert.id == Message.alert_id)
                .where(
                    Message.severity.in_(LOW),
                    Message.msg_type.in_(FOLLOWED),
                    Message.released_at > self.now - WEEK,
                    Alert.drill == self.event.drill,
                )
            )
        ).all()
        alert_of = {id_: alert for id_, alert in rows if alert != self.event.alert_id}
        hearers = await heard(session, list(alert_of))
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
    return Sparing(
        event=event,
        speakers=await speaking(session, event, now) if speakers is None else speakers,
        find=find or desk.find,
        ground_of=desk.last_known(now),
        budget=desk.weekly_budget,
        now=now,
    )
