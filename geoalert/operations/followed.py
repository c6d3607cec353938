"""How far a message's audience has followed the log of changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.audience.changes import Position, changed_since, position

MANY: Final = 20_000  # changed people, from where resolving the whole audience is quicker
FORGOTTEN: Final = timedelta(minutes=15)  # well before the log is pruned; after it everybody is looked at once


async def changed_of(session: AsyncSession, message: Message, now: datetime) -> tuple[Position, list[int] | None]:
    """Where the log stands, and who changed since the message's mark; None where anybody may have."""
    at = message.audience_followed_at
    if message.audience_mark is None or at is None or now - at > FORGOTTEN:
        return await position(session), None
    since = Position(message.audience_mark, at)
    here, ids = await changed_since(session, since, MANY + 1)
    # A mark ahead of the log is another store's: this one was restored.
    return here, None if len(ids) > MANY or here.before(since) else ids
