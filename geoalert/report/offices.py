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
from geoalert.subscribers.cells import SCALE
from geoalert.subscribers.codes import CHANNEL_NAMES, LANGUAGE_NAMES
from geoalert.subscribers.tables import Address, Place
from geoalert.wards import WardIndex, locate_many

ELSEWHERE = "elsewhere"  # told by a ward place, moved away since, or erased
CITY = "city accounts"
GROUP = 5_000


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
    addresses = {address for batch in batches for address in recipients_of(batch)}
    offices = await _office_of(session, index, message, sorted(addresses), on)
    counts: dict[tuple[str, str, str], Counter[Outcome]] = defaultdict(Counter)
    for batch in batches:
        channel, language = CHANNEL_NAMES[batch.channel], LANGUAGE_NAMES[batch.language]
        for address, outcome in zip(recipients_of(batch), batch.outcomes, strict=True):
            counts[offices.get(address, ELSEWHERE), channel, language][Outcome(outcome)] += 1
    return [_row(office, channel, language, counted) for (office, channel, language), counted in sorted(counts.items())]


def _row(office: str, channel: str, language: str, counted: Counter[Outcome]) -> Row:
    accepted, delivered, failed = counted[Outcome.ACCEPTED], counted[Outcome.DELIVERED], counted[Outcome.FAILED]
    total = sum(counted.values())
    return Row(office, channel, language, total, accepted, delivered, failed, total - accepted - delivered - failed)


async def _office_of(
    session: AsyncSession, index: WardIndex, message: Message, addresses: Sequence[int], on: date
) -> dict[int, str]:
    """English office name by address: that of the owner's first place inside the message's area."""
    found: dict[int, str] = {}
    offices = {ward.code: ward.name_en for ward in index.tree.offices(on)}
    for start in range(0, len(addresses), GROUP):
        group = addresses[start : start + GROUP]
        owners = (
            await session.execute(select(Address.id, Address.owner_kind, Address.owner_id).where(Address.id.in_(group)))
        ).all()
        people = [row.owner_id for row in owners if row.owner_kind == "subscriber"]
        places = (
            await session.execute(
                select(Place.subscriber_id, Place.x, Place.y).where(Place.subscriber_id.in_(people)).order_by(Place.id)
            )
        ).all()
        x, y = (np.array([getattr(row, axis) for row in places], dtype=np.int64) / SCALE for axis in "xy")
        inside = shapely.intersects_xy(message.area, x, y)
        unit = locate_many(index, x, y, on)
        home: dict[int, str] = {}
        for place, is_inside, number in zip(places, inside, unit, strict=True):
            if is_inside and number >= 0:
                home.setdefault(place.subscriber_id, offices[index.units[number].parent or ""])
        for row in owners:
            found[row.id] = CITY if row.owner_kind == "handle" else home.get(row.owner_id, ELSEWHERE)
    return found
