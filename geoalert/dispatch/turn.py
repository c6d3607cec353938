"""Whose turn it is: the provider of a batch's next chunk and how many it may have, its place in the pace booked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.carrier import Carrier, Situation, Stopped, Wait, choose
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.handed import doubts, provider_of
from geoalert.dispatch.lease import STAND_BACK, emergency_at_work, give_back, park
from geoalert.dispatch.outcomes import OPEN, Outcome
from geoalert.dispatch.pacing import TRICKLE, book
from geoalert.dispatch.picking import Tried, pick, settling
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.tables import Batch
from geoalert.dispatch.vitals import claim_trial, situation_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """Who carries, how many recipients at most, and after how many seconds."""

    channel: Channel
    most: int
    wait: float
    pressed: bool  # by an emergency: this is routine work's small part
    settles: bool  # only to settle doubts: what has not left stays with the batch's own provider
    unreachable: frozenset[str]  # providers that cannot be asked now


async def next_turn(
    session: AsyncSession,
    batch: Batch,
    carriers: Sequence[Channel],
    tried: Tried,
    few: int | None,
    now: datetime,
    spread: float,
) -> Turn | None:
    """The next turn of a batch that is held, or None where there is none now: the batch is then queued for later or
    parked, or this claim has tried all it could. `few` bounds the recipients of a message that nobody has answered well
    yet.
    """
    situation = await situation_of(session, batch, carriers, now)
    asked = _to_settle(situation, batch, carriers, tried, now)
    begun = bool(tried.at) or batch.attempts > 1
    found = (
        Carrier(asked, on_trial=situation.on_trial(asked))
        if asked
        else choose(situation, carriers, batch.provider, begun=begun, spread=spread)
    )
    if isinstance(found, Carrier) and found.on_trial and not await claim_trial(session, found.channel.provider, now):
        found = Wait(now + STAND_BACK)
    match found:
        case Stopped(reason):
            log.error("batch %d is parked: %s", batch.id, reason.name)
            park(batch, reason)
            return None
        case Wait(until):
            give_back(batch, until)
            return None
    channel, urgent = found.channel, batch.priority <= EMERGENCY
    unreachable = frozenset(other.provider for other in carriers if not situation.usable(other))
    if batch.unasked_since is None and any(provider_of(batch, position) in unreachable for position in doubts(batch)):
        batch.unasked_since = now
    if not pick(batch, channel, tried, unreachable, now).positions:
        return None
    pressed = not urgent and await emergency_at_work(session, batch.channel, now, EMERGENCY)
    most = _most(batch, found, few, pressed=pressed)
    wait = await book(session, channel, most, now, urgent=urgent, pressed=pressed)
    if wait is None:
        give_back(batch, now + STAND_BACK)
        return None
    return Turn(channel, most, wait, pressed, settles=asked is not None, unreachable=unreachable)


def _to_settle(
    situation: Situation, batch: Batch, carriers: Sequence[Channel], tried: Tried, now: datetime
) -> Channel | None:
    """Another provider than the batch's own that can settle a doubt it left."""
    if batch.handed is None:
        return None
    return next(
        (
            channel
            for channel in carriers
            if channel.provider != batch.provider
            and situation.usable(channel)
            and settling(batch, channel, tried, now).positions
        ),
        None,
    )


def _most(batch: Batch, found: Carrier, few: int | None, *, pressed: bool) -> int:
    if found.on_trial:
        return 1
    chunk = found.channel.traits.chunk
    left = sum(1 for outcome in batch.outcomes if Outcome(outcome) in OPEN)
    most = min(max(left, 1), chunk, few or chunk, found.most or chunk)
    return max(1, min(most, int(chunk * TRICKLE))) if pressed else most
