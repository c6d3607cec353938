"""Whose turn it is: the provider of a batch's next chunk and how many it may have, its place in the pace booked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.carrier import Carrier, Situation, Stopped, Wait, choose
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.handed import doubts, provider_of
from geoalert.dispatch.lease import STAND_BACK, give_back, park
from geoalert.dispatch.pacing import TRICKLE, book
from geoalert.dispatch.picking import Picked, Tried, pick, settling
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
    on_trial: bool  # the provider is tried by this one
    calm: bool  # it is well, and nobody waits to hear how it answers
    settles: bool  # only to settle doubts: what has not left stays with the batch's own provider
    unreachable: frozenset[str]  # providers that cannot be asked now


async def next_turn(
    session: AsyncSession,
    batch: Batch,
    carriers: Sequence[Channel],
    tried: Tried,
    at_most: Callable[[Channel], int],
    now: datetime,
    spread: float,
) -> Turn | None:
    """The next turn of a batch that is held, or None where there is none now: the batch is then queued for later or
    parked, or this claim has tried all it could. `at_most` bounds the recipients of a chunk.
    """
    situation = await situation_of(session, batch, carriers, now)
    unreachable = _unreachable(situation, batch, carriers)
    if batch.unasked_since is None and any(provider_of(batch, position) in unreachable for position in doubts(batch)):
        batch.unasked_since = now
    begun = bool(tried.at) or batch.attempts > 1
    found = choose(situation, carriers, batch.provider, begun=begun, spread=spread)
    match found:
        case Stopped(reason):
            log.error("batch %d is parked: %s", batch.id, reason.name)
            park(batch, reason)
            return None
        case Wait(until):
            give_back(batch, until)
            return None
    picked, settles = pick(batch, found.channel, tried, unreachable, now), False
    if not picked.positions:  # nobody is left for it; another may still settle what it left in doubt
        found, picked = _settled_by(situation, batch, carriers, tried, now)
        settles = found.channel.provider != batch.provider
    if not picked.positions:
        return None
    if found.on_trial and not await claim_trial(session, found.channel.provider, now):
        give_back(batch, now + STAND_BACK)
        return None
    chunk = min(at_most(found.channel), len(picked.positions))
    turn = await _booked(
        session, batch, found, chunk, now, settles, unreachable, pressed=situation.pressed, spread=spread
    )
    if turn is None and not tried.at:
        batch.attempts -= 1  # nobody was asked: when somebody is, and fails, it is the first time
    return turn


async def _booked(
    session: AsyncSession,
    batch: Batch,
    found: Carrier,
    chunk: int,
    now: datetime,
    settles: bool,
    unreachable: frozenset[str],
    *,
    pressed: bool,
    spread: float,
) -> Turn | None:
    """The turn with its place in the pace; None where it would have to be waited for too long."""
    urgent = batch.priority <= EMERGENCY
    most = 1 if found.on_trial else min(chunk, found.most or chunk)
    if pressed:
        most = max(1, min(most, int(found.channel.traits.chunk * TRICKLE)))
    place = await book(session, found.channel, most, now, urgent=urgent, pressed=pressed)
    if not place.booked:
        # Of many that wait, some come back soon: there is always somebody to take the next place.
        later = STAND_BACK if pressed else max(STAND_BACK, timedelta(seconds=place.wait * spread))
        give_back(batch, now + later)
        return None
    return Turn(found.channel, most, place.wait, pressed, found.on_trial, found.calm, settles, unreachable)


async def still_stands(session: AsyncSession, batch: Batch, turn: Turn, now: datetime) -> bool:
    """Whether the provider may still be asked, after its pace was waited for."""
    return (await situation_of(session, batch, [turn.channel], now)).usable(turn.channel)


def _unreachable(situation: Situation, batch: Batch, carriers: Sequence[Channel]) -> frozenset[str]:
    """Providers that cannot be asked now: left alone, standing still, or no longer ours."""
    here = {channel.provider for channel in carriers}
    holders = {provider_of(batch, position) for position in doubts(batch)}
    return frozenset({c.provider for c in carriers if not situation.usable(c)} | (holders - here))


def _settled_by(
    situation: Situation, batch: Batch, carriers: Sequence[Channel], tried: Tried, now: datetime
) -> tuple[Carrier, Picked]:
    """Any provider that can settle what it was in the middle of, with whom; with nobody, where there is none."""
    for channel in carriers:
        if situation.usable(channel):
            picked = settling(batch, channel, tried, now)
            if picked.positions:
                return Carrier(channel, on_trial=situation.on_trial(channel)), picked
    return Carrier(carriers[0]), Picked([])
