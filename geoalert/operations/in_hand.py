"""Taking a live message in hand, to add to its audience."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.operations.event import FOLLOWED
from geoalert.store import database_now


async def in_hand(session: AsyncSession, message_id: int) -> Message | None:
    """The message, if it is live and nobody else has its alert: what follows it waits until this transaction ends.

    The alert first, as everybody does who ends a message.
    """
    of_message = select(Message.alert_id).where(Message.id == message_id).scalar_subquery()
    alert = select(Alert.id).where(Alert.id == of_message).with_for_update(skip_locked=True)
    if (await session.execute(alert)).one_or_none() is None:
        return None
    query = select(Message).where(Message.id == message_id).with_for_update()
    message = (await session.scalars(query)).one()
    live = message.state in LIVE and message.msg_type in FOLLOWED
    return message if live and message.expires > await database_now(session) else None
