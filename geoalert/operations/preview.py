"""Who would be told, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
    audience = await resolve(session, desk.aim(area, category, severity, codes, now=now), now, desk.find)
    told = audience.members
    pairs, counts = np.unique(np.stack([told.channel, told.language]), axis=1, return_counts=True)
    table: dict[str, dict[str, int]] = {}
    for (channel, language), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        table.setdefault(CHANNEL_NAMES[channel], {})[LANGUAGE_NAMES[language]] = count
    return Preview(
        people=audience.told,
        inside=len(audience.people),
        held=len(np.unique(told.subscriber[told.hold > 0])),
        by_channel=table,
    )
