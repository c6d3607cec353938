"""Taking the next recipients of a batch: every check that guards a send, in one transaction that ends by marking
them `sending`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import bindparam, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.audience.rules import REACH
from geoalert.dispatch.addresses import addresses_of
from geoalert.dispatch.channels.channel import Delivery, Notice, SendResult
from geoalert.dispatch.handed import hand_on, hand_to
from geoalert.dispatch.lease import (
    FOUND,
    LOCKED_AT,
    STAND_BACK,
    Locked,
    emergency_at_work,
    finish,
    give_back,
    locked,
    park,
)
from geoalert.dispatch.notice import notice_of
from geoalert.dispatch.outcomes import Change, Outcome, end_open, merge_locked
from geoalert.dispatch.picking import Tried, pick
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.dispatch.turn import Turn
from geoalert.store import read_clock

log = logging.getLogger(__name__)

ENDED: Mapping[str, Change] = {
    "cancelled": (Outcome.CANCELLED, Reason.CANCELLED),
    "superseded": (Outcome.CANCELLED, Reason.SUPERSEDED),
    "withdrawn": (Outcome.CANCELLED, Reason.CANCELLED),
}
FIRST: Final = 1  # of a chain

# Shared lock: a cancel commits either before this check or after these recipients are marked. Without the
# area and the mark of its audience, which no chunk needs.
_TOLD: Final = (
    select(Message, Alert)
    .join(Alert, Alert.id == Message.alert_id)
    .where(Message.id == bindparam("message"))
    .with_for_update(read=True, of=Message)
    .options(defer(Message.area), defer(Message.audience_mark))
)
# The same with the batch, in its order: the batch's row is locked, then the message's, then the clock is read.
_OF_BATCH: Final = aliased(
    Message,
    select(*(column for column in Message.__table__.columns if column.name not in {"area", "audience_mark"}))
    .join(FOUND, FOUND.message_id == Message.id)
    .with_for_update(read=True, of=Message)
    .cte("told")
    .prefix_with("MATERIALIZED"),
)
_LOCKED_AND_TOLD: Final = (
    LOCKED_AT.add_columns(_OF_BATCH, Alert)
    .outerjoin_from(FOUND, _OF_BATCH, true())
    .outerjoin(Alert, Alert.id == _OF_BATCH.alert_id)
    .options(defer(_OF_BATCH.area), defer(_OF_BATCH.audience_mark))
)


Told = tuple[Message, Alert]
"""A batch's message and its alert."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every chunk of a courier: its lease, the public page texts point to, the city's clocks."""

    lease: timedelta
    link: str
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Taken:
    """Recipients now marked `sending` (or, with `ask`, still `uncertain` and to be looked up first)."""

    notice: Notice
    positions: Sequence[int]
    deliveries: Sequence[Delivery]
    addresses: Mapping[int, int]  # the id of the address that is used, by position
    expires: datetime
    now: datetime
    since: datetime | None = None  # when the message was released: no earlier try exists
    ask: bool = False
    doubts: frozenset[int] = frozenset()  # of the positions: who may have been told by an earlier try

    def unbegun(self, results: Sequence[SendResult | None]) -> list[int]:
        """Positions whose turn did not come in time, by what the channel returned."""
        named = zip(self.positions, results, strict=True)
        return [position for position, found in named if found is not None and found.reason is Reason.NOT_BEGUN]


async def take_chunk(
    session: AsyncSession,
    batch: Batch,
    found: Told,
    turn: Turn,
    tried: Tried,
    terms: Terms,
    now: datetime,
) -> Taken | None:
    """The next chunk of a batch that is held, with its message as `message_of` found it, or None when this claim has
    nothing left to do: the batch was then finished, or given back to the emergency lane.
    """
    message, alert = found
    if alert.drill and not turn.channel.traits.rehearsal:
        end_open(batch, (Outcome.SUPPRESSED, Reason.DRILL))
        finish(batch)
        return None
    # Somebody may have come while the turn was waited for.
    waited = turn.wait and batch.priority > EMERGENCY and not turn.pressed
    if waited and await emergency_at_work(session, batch.channel, now, EMERGENCY):
        give_back(batch, now + STAND_BACK)
        return None
    picked = pick(batch, turn.channel, tried, turn.unreachable, now)
    positions = picked.positions[: turn.most]
    if not positions:
        return None
    told_without_consent = await _emergency_in_chain(session, message)
    quiet = None if picked.ask or REACH[message.severity].quiet_hours else (now, terms.zone)
    reached = await addresses_of(session, batch, positions, needs_consent=not told_without_consent, quiet=quiet)
    usable = reached.usable
    if reached.gone and not picked.ask:
        _release_held(batch, reached.gone)
        merge_locked(batch, reached.gone)
    merge_locked(batch, dict.fromkeys(reached.quiet, (Outcome.HELD, Reason.QUIET_HOURS)))
    tried.quiet.extend(reached.quiet.values())
    batch.lease_until = now + terms.lease
    outcomes = batch.outcomes
    told = [position for position in usable if outcomes[position] == Outcome.UNCERTAIN]
    doubts = frozenset(told).difference(tried.lost)
    if not picked.ask:
        _release_held(batch, usable)
        if not turn.settles:
            hand_on(batch, turn.channel.provider)
        merge_locked(batch, dict.fromkeys(usable, (Outcome.SENDING, Reason.NONE)))
        hand_to(batch, usable, turn.channel.provider)
        batch.handed_at = batch.handed_at or now
    tried.at.update((position, turn.channel.provider) for position in positions)
    return Taken(
        notice=notice_of(alert, message, batch.language, terms.link),
        positions=list(usable),
        deliveries=[delivery for delivery, _ in usable.values()],
        addresses={position: id_ for position, (_, id_) in usable.items()},
        expires=message.expires,
        now=now,
        since=message.released_at,
        ask=picked.ask,
        doubts=doubts,
    )


async def told_by(session: AsyncSession, batch_id: int) -> tuple[Locked, Told | None] | None:
    """The batch, its row locked, with its message and alert as `message_of` finds them."""
    if session.get_bind().dialect.name != "postgresql":
        found = await locked(session, batch_id)
        return None if found is None else (found, await message_of(session, found.batch))
    row = (await session.execute(_LOCKED_AND_TOLD, {"batch": batch_id})).one_or_none()
    if row is None:
        return None
    batch, moment, message, alert = row
    return Locked(batch, read_clock(session, moment)), None if message is None else (message, alert)


async def message_of(session: AsyncSession, batch: Batch) -> Told | None:
    """The batch's message and its alert; None when it is not there."""
    row = (await session.execute(_TOLD, {"message": batch.message_id})).one_or_none()
    return None if row is None else (row[0], row[1])


def is_over(batch: Batch, found: Told | None, now: datetime) -> bool:
    """Whether nobody is to be told any more, as `message_of` found the message of a batch that is held: the batch was
    then finished, or parked for want of a message.
    """
    if found is None:
        log.error("batch %d is parked: its message is not there", batch.id)
        park(batch, Reason.NO_MESSAGE)
        return True
    message, _ = found
    if message.state not in LIVE:
        end_open(batch, ENDED.get(message.state, (Outcome.CANCELLED, Reason.CANCELLED)))
    elif message.expires <= now:
        end_open(batch, (Outcome.EXPIRED, Reason.EXPIRED))
    else:
        return False
    finish(batch)
    return True


def _release_held(batch: Batch, positions: Iterable[int]) -> None:
    """Quiet hours are over for these; the checks that follow are fresh."""
    outcomes = batch.outcomes
    if Outcome.HELD in outcomes:
        waiting = [position for position in positions if outcomes[position] == Outcome.HELD]
        merge_locked(batch, dict.fromkeys(waiting, (Outcome.PENDING, Reason.NONE)))


async def _emergency_in_chain(session: AsyncSession, message: Message) -> bool:
    """Whether any message of this alert went out without asking for consent: its people hear how it ends, too. Those
    after this one did not: it would be over.
    """
    if message.number == FIRST:
        return REACH[message.severity].consent
    severities = await session.scalars(
        select(Message.severity).where(Message.alert_id == message.alert_id, Message.released_at.is_not(None))
    )
    return any(REACH[severity].consent for severity in severities)
