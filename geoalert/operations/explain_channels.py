"""The channels a person has, in their order, and what became of a message on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.audience.rules import REACH
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.standing import Standing
from geoalert.operations.channels import channels_of
from geoalert.operations.explain_words import (
    LATE,
    NEXT,
    NO_ADDRESS,
    NOT_ITS_CHANNEL,
    NOTHING_FOR_IT,
    moved_words,
    outcome_words,
)
from geoalert.operations.going_on import CONFIRMED
from geoalert.subscribers.codes import CHANNEL_NAMES, LANGUAGE_NAMES
from geoalert.subscribers.tables import Address
from geoalert.wording import Wording


@dataclass(frozen=True, slots=True)
class Receipt:
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelTold:
    """`order` and `address` are as they stand now: 1 first, and the state of their best address; None and "none" where
    they have none any more. `outcome` and what follows is empty where the message holds no entry for the channel.
    `because` is what their channel before this one met, of those who went on by it.
    """

    channel: str
    order: int | None
    address: str
    says: str
    outcome: str | None = None
    reason: str | None = None
    language: str | None = None
    joined_at: datetime | None = None
    held_until: datetime | None = None
    handed_over_at: datetime | None = None
    receipts: tuple[Receipt, ...] = ()
    because: str | None = None


async def channels_told(
    session: AsyncSession, message: Message, theirs: Sequence[Standing], person: int, say: Wording
) -> tuple[ChannelTold, ...]:
    """First the channels they have, in their order; then those they had."""
    rows = await session.execute(
        select(Address.channel, Address.rank, Address.state)
        .where(Address.owner_kind == "subscriber", Address.owner_id == person)
        .order_by(Address.state == "active", Address.rank.desc(), Address.id.desc())
    )
    best = {channel: (rank + 1, state) for channel, rank, state in rows}  # the last is the best
    addresses = dict(sorted(best.items(), key=lambda item: item[1]))
    standing = {entry.channel: entry for entry in theirs}
    return tuple(
        _told(message, channel, addresses.get(channel), standing.get(channel), theirs, say)
        for channel in dict.fromkeys([*addresses, *standing])
    )


def _told(
    message: Message,
    channel: int,
    address: tuple[int, str] | None,
    entry: Standing | None,
    theirs: Sequence[Standing],
    say: Wording,
) -> ChannelTold:
    order, state = address or (None, "none")
    if entry is None:
        why_not = say(_why_not(message, channel, state, others=bool(theirs)))
        return ChannelTold(CHANNEL_NAMES[channel], order, state, why_not)
    held = entry.outcome == Outcome.HELD
    return ChannelTold(
        channel=CHANNEL_NAMES[channel],
        order=order,
        address=state,
        outcome=entry.outcome.name.lower(),
        reason=entry.reason.name.lower() if entry.reason else None,
        language=LANGUAGE_NAMES[entry.language],
        joined_at=entry.joined_at,
        held_until=entry.not_before if held else None,
        handed_over_at=entry.handed_over_at,
        receipts=tuple(Receipt(status, at) for status, at in entry.receipts),
        says="; ".join([outcome_words(say, entry.outcome, entry.reason), *_how_come(message, entry, theirs, say)]),
        because=None if entry.moved_for is None else entry.moved_for.name.lower(),
    )


def _how_come(message: Message, entry: Standing, theirs: Sequence[Standing], say: Wording) -> list[str]:
    """Why it was not in the message from the start."""
    if entry.joined_at is None:
        return []
    released = message.released_at or entry.joined_at
    before = [
        (other.joined_at or released, other) for other in theirs if (other.joined_at or released) < entry.joined_at
    ]
    if entry.moved_for is None or not before:
        return [say(LATE)]
    planned, last = max(before, key=lambda each: each[0])
    waited = entry.joined_at - (last.begun_at or planned)
    return [moved_words(say, CHANNEL_NAMES[last.channel], entry.moved_for, waited)]


def _why_not(message: Message, channel: int, state: str, *, others: bool) -> str:
    if channel not in channels_of(message):
        return NOT_ITS_CHANNEL
    if state != "active":
        return NO_ADDRESS.get(state, NO_ADDRESS["gone"])
    if others and not REACH[message.severity].all_channels:
        return NEXT[message.severity in CONFIRMED]
    return NOTHING_FOR_IT
