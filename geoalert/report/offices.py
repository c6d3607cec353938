"""The same outcomes by ward office, as places stand when the report is made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.tables import Batch
from geoalert.store import IDS_A_QUERY
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.codes import CHANNEL_NAMES, LANGUAGE_NAMES
from geoalert.subscribers.tables import Place
from geoalert.wards import WardIndex, locate_many

ELSEWHERE = "elsewhere"  # told by a ward place, moved away since, or erased
CITY = "city accounts"


@dataclass(frozen=True, slots=True)
class Row:
    office: str
    channel: str
    language: str
    audience: int
    accepted: int  # a provider took it; not known to have arrived
    delivered: int
    failed: int
    other: int


async def by_office(session: AsyncSession, index: WardIndex, message: Message, on: date) -> list[Row]:
    """One row per office, channel and language; `audience` is the sum of the four that follow."""
    batches = list(await session.scalars(select(Batch).where(Batch.message_id == message.id)))
    people = sorted({owner for batch in batches for owner in recipients_of(batch) if owner > 0})
    offices = await _office_of(session, index, message, people, on)
    counts: dict[tuple[str, str, str], Counter[Outcome]] = defaultdict(Counter)
    for batch in batches:
        channel, language = CHANNEL_NAMES[batch.channel], LANGUAGE_NAMES[batch.language]
        for owner, outcome in zip(recipients_of(batch), batch.outcomes, strict=True):
            office = offices.get(owner, ELSEWHERE) if owner > 0 else CITY
            counts[office, channel, language][Outcome(outcome)] += 1
    return [_row(office, channel, language, counted) for (office, channel, language), counted in sorted(counts.items())]


def _row(office: str, channel: str, language: str, counted: Counter[Outcome]) -> Row:
    accepted, delivered, failed = counted[Outcome.ACCEPTED], counted[Outcome.DELIVERED], counted[Outcome.FAILED]
    total = sum(counted.values())
    return Row(office, channel, language, total, accepted, delivered, failed, total - accepted - delivered - failed)


async def _office_of(
    session: AsyncSession, index: WardIndex, message: Message, people: Sequence[int], on: date
) -> dict[int, str]:
    """English office name by person: that of their first place inside the message's area."""
    found: dict[int, str] = {}
    offices = {ward.code: ward.name_en for ward in index.tree.offices(on)}
    for start in range(0, len(people), IDS_A_QUERY):
        places = (
            await session.execute(
                select(Place.subscriber_id, Place.x, Place.y)
                .where(Place.subscriber_id.in_(people[start : start + IDS_A_QUERY]))
                .order_by(Place.id)
            )
        ).all()
        x, y = (np.array([getattr(row, axis) for row in places], dtype=np.int64) / SCALE for axis in "xy")
        inside = shapely.intersects_xy(message.area, x, y)
        unit = locate_many(index, x, y, on)
        for place, is_inside, number in zip(places, inside, unit, strict=True):
            if is_inside and number >= 0:
                found.setdefault(place.subscriber_id, offices[index.units[number].parent or ""])
    return found
