"""What the first chunk of a worker would otherwise wait for: connections to the store, and on each of them the
statements of a chunk, made ready before anybody is to be told. Nothing is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.addresses import addresses_of
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.chunk import told_by
from geoalert.dispatch.engine.seam import CONCURRENCY
from geoalert.dispatch.lease import locked
from geoalert.dispatch.pacing import make_ready
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.tables import Batch
from geoalert.dispatch.vitals import situation_of
from geoalert.store import Store, database_now
from geoalert.subscribers.codes import CHANNELS

log = logging.getLogger(__name__)

LONGEST: Final = 5.0  # seconds
NOBODY: Final = 0  # no batch, message or person has this id


async def warm(store: Store, channels: Sequence[Channel]) -> None:
    """As many connections as a lane has slots. It only helps: where the store fails, who needs it finds that out."""
    hands = min(max(CONCURRENCY.values()), store.connections)
    by_name = [[channel for channel in channels if channel.name == name] for name in {c.name for c in channels}]
    together = asyncio.Barrier(hands)
    try:
        async with asyncio.timeout(LONGEST), asyncio.TaskGroup() as all_of_them:
            for _ in range(hands):
                all_of_them.create_task(_rehearse(store, by_name, together))
    except* Exception as group:  # noqa: BLE001 - as above
        log.info("begins cold: %s", type(group.exceptions[0]).__name__)


async def _rehearse(store: Store, channels: Sequence[Sequence[Channel]], together: asyncio.Barrier) -> None:
    async with store.writing() as session:
        await told_by(session, NOBODY)
        await locked(session, NOBODY)
        await together.wait()  # each on a connection of its own
        for carriers in channels:
            await _as_for_a_chunk(session, carriers)


async def _as_for_a_chunk(session: AsyncSession, carriers: Sequence[Channel]) -> None:
    batch = Batch(
        id=NOBODY, message_id=NOBODY, channel=CHANNELS[carriers[0].name], priority=EMERGENCY, size=0, recipients=b""
    )
    now = await database_now(session)
    await situation_of(session, batch, carriers, now)
    await make_ready(session)
    await addresses_of(session, batch, [], needs_consent=True, quiet=(now, UTC))
