"""A repeat needs a changed fact: the same words of one area by no new channel are not sent twice while in force."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.facts import adds_nothing
from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.errors import Conflict
from geoalert.operations.event import FOLLOWED


async def refuse_repeat(session: AsyncSession, alert: Alert, message: Message, earlier: Sequence[Message]) -> None:
    """Lets a message through that says something new. Who comes late to a live one is told without a repeat.

    Raises:
        Conflict: the message in force, or another live alert of the category, says exactly this of this area.
    """
    if message.says is None:
        return
    in_force = [old for old in earlier if old.state in LIVE and old.msg_type in FOLLOWED]
    if any(old.says == message.says and adds_nothing(message.content, old.content) for old in in_force):
        raise Conflict("nothing has changed since the message in force; a repeat needs a changed fact")
    others = await session.execute(
        select(Alert.identifier, Message.content)
        .join(Alert, Alert.id == Message.alert_id)
        .where(
            Message.state.in_(LIVE),
            Message.msg_type.in_(FOLLOWED),
            Message.expires >= message.expires,
            Message.says == message.says,
            Alert.category == alert.category,
            Alert.drill == alert.drill,
            Alert.id != alert.id,
        )
    )
    for identifier, content in others:
        if adds_nothing(message.content, content):
            raise Conflict(
                f"alert {identifier} is live and says exactly this of this area; a repeat needs a changed fact"
            )
