"""Who would be told, before anything is sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience import resolve
from geoalert.operations.desk import Desk
from geoalert.store import database_now
from geoalert.subscribers.codes import CHANNEL_NAMES, CHANNELS, LANGUAGE_NAMES


@dataclass(frozen=True, slots=True)
class Preview:
    """`people` are distinct persons, held included; `inside` also counts those the rules leave out."""

    people: int
    inside: int
    held: int
    by_channel: dict[str, dict[str, int]]


async def preview(
    session: AsyncSession, desk: Desk, area: BaseGeometry, category: str, severity: str, channels: tuple[str, ...]
) -> Preview:
    """The audience of this area as the store stands."""
    codes = frozenset(CHANNELS[name] for name in channels) - {CHANNELS["post"]}
    now = await database_now(session)
    audience = await resolve(session, desk.aim(area, category, severity, codes, now=now), now)
    counts = Counter((CHANNEL_NAMES[m.channel], LANGUAGE_NAMES[m.language]) for m in audience.members)
    table: dict[str, dict[str, int]] = {}
    for (channel, language), count in sorted(counts.items()):
        table.setdefault(channel, {})[language] = count
    return Preview(
        people=audience.people,
        inside=audience.inside,
        held=len({m.subscriber for m in audience.members if m.hold_until}),
        by_channel=table,
    )
