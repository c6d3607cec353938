"""Alerts of one event: when the live message of one speaks for that of another, so that a person inside both hears one.

It speaks for another that is of the same event (the same incident, or word for word the same) and category, is at least
as severe, holds for all of its time and, in an emergency, where a person may need several of their channels, asks for
all of its channels. Whatever is worse, begins earlier or lasts longer is a changed fact, and is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.facts import onset_of
from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.operations.channels import POST, channels_of
from geoalert.subscribers.codes import EMERGENCIES, SEVERITIES

FOLLOWED: Final = ("Alert", "Update")  # an all-clear is for those who were told, and nobody else
LOCK: Final = 7263  # PostgreSQL advisory lock, with the category's bit: one release of a category at a time
LOW: Final = frozenset({"Minor", "Unknown"})  # of which a person hears so many a week
LOW_TURN: Final = 1_000  # beside the bits of categories


@dataclass(frozen=True, slots=True)
class Event:
    """A message as the others of its event see it. `onset` is None where it begins when it leaves."""

    category: str
    drill: bool
    severity: str
    channels: frozenset[int]
    onset: datetime | None
    expires: datetime
    incident: str | None
    says: str | None = None
    alert_id: int | None = None
    message_id: int | None = None

    @classmethod
    def of(cls, alert: Alert, message: Message) -> Event:
        """Of a stored message."""
        return cls(
            category=alert.category,
            drill=alert.drill,
            severity=message.severity,
            channels=channels_of(message) - {POST},
            onset=onset_of(message.content),
            expires=message.expires,
            incident=alert.incident,
            says=message.says,
            alert_id=alert.id,
            message_id=message.id,
        )

    def shared(self, alert_id: int, says: str | None, incident: str | None) -> bool:
        """Whether another message is of this alert, or of the same event."""
        same_words = says is not None and says == self.says
        return alert_id == self.alert_id or same_words or (incident is not None and incident == self.incident)


async def take_turn(session: AsyncSession, category_bit: int, severity: str, *, wait: bool = True) -> bool:
    """Until this transaction ends nobody else resolves an audience of the category, or two alerts of one event that
    leave at once would both tell those inside both; nor, where the severity is low, one of any that is, or both would
    spend what is left of a person's week. False: somebody else is at it, and we were not to wait.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True  # one writer at a time
    how = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    for turn in (category_bit, *([LOW_TURN] if severity in LOW else [])):  # in this order, or two wait for each other
        taken = await session.scalar(text(f"SELECT {how}(:lock, :turn)"), {"lock": LOCK, "turn": turn})
        if not (wait or taken):
            return False
    return True


class Speaker(NamedTuple):
    """A live message that speaks for another, and its alert's identifier."""

    message: Message
    alert: str


async def speaking(session: AsyncSession, event: Event, now: datetime) -> list[Speaker]:
    """The live messages of other alerts that speak for this one, by id."""
    same = [Alert.incident == event.incident] if event.incident is not None else []
    same += [Message.says == event.says] if event.says is not None else []
    if not same:
        return []
    query = (
        select(Message, Alert.identifier)
        .join(Alert, Alert.id == Message.alert_id)
        .where(
            Message.state.in_(LIVE),
            Message.msg_type.in_(FOLLOWED),
            Message.expires > now,
            Message.expires >= event.expires,
            Alert.category == event.category,
            Alert.drill == event.drill,
            or_(*same),
        )
        .order_by(Message.id)
    )
    if event.alert_id is not None:
        query = query.where(Alert.id != event.alert_id)
    rows = await session.execute(query)
    return [Speaker(message, alert) for message, alert in rows if _speaks(message, event, now)]


def _speaks(message: Message, event: Event, now: datetime) -> bool:
    every_channel = event.severity not in EMERGENCIES or channels_of(message) >= event.channels
    severe_enough = SEVERITIES[message.severity] >= SEVERITIES[event.severity]
    # Of what has begun, only the time that is left counts.
    return severe_enough and every_channel and _begins(message, now) <= max(event.onset or now, now)


def defers(event: Event, message: Message, now: datetime) -> bool:
    """Whether the event leaves to that speaker whom neither has told yet. Where each speaks for the other, the first
    drafted tells: or both would wait for the other.
    """
    if event.message_id is None or message.id < event.message_id:
        return True
    every_channel = message.severity not in EMERGENCIES or event.channels >= channels_of(message) - {POST}
    mutual = (
        event.severity == message.severity
        and event.expires >= message.expires
        and every_channel
        and (event.onset or now) <= max(_begins(message, now), now)
    )
    return not mutual


def _begins(message: Message, now: datetime) -> datetime:
    return onset_of(message.content) or message.released_at or now


async def in_company(session: AsyncSession, now: datetime) -> set[int]:
    """The live messages that some other live one may speak for, by id: most often none."""
    rows = (
        await session.execute(
            select(Message.id, Message.says, Alert.incident)
            .join(Alert, Alert.id == Message.alert_id)
            .where(Message.state.in_(LIVE), Message.msg_type.in_(FOLLOWED), Message.expires > now)
        )
    ).all()
    said: Counter[str | None] = Counter(says for _, says, _ in rows if says is not None)
    named: Counter[str | None] = Counter(incident for _, _, incident in rows if incident is not None)
    return {id_ for id_, says, incident in rows if said[says] > 1 or named[incident] > 1}


def ids_of(speakers: Iterable[Speaker]) -> list[int]:
    """As a message keeps them in `audience_beside`."""
    return sorted(speaker.message.id for speaker in speakers)
