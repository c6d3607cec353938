"""Who of a batch is next at a provider: first those in doubt whom it can settle, then those who have not been tried.
Pure: what a claim has tried is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.doubt import PATIENCE, Settle, settle
from geoalert.dispatch.handed import doubts, provider_of
from geoalert.dispatch.outcomes import OPEN
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.tables import Batch


@dataclass(frozen=True, slots=True)
class Tried:
    """What one claim has done: positions handed over or asked about, by provider; positions a provider says it never
    had; positions it could not tell of; and when those who do not want to be woken now may be.
    """

    at: set[tuple[int, str]] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)
    quiet: list[datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picked:
    """Positions, and whether the provider is to be asked about them rather than to tell them."""

    positions: list[int]
    ask: bool = False


def settling(batch: Batch, channel: Channel, tried: Tried, now: datetime) -> Picked:
    """Those in doubt since this provider had them, that it can settle now."""
    mine = channel.provider
    policy = settle(channel.traits.idempotency, batch.priority)
    risk = policy is Settle.ASK_THEN_RISK and _too_long(batch, now)
    theirs = [position for position in doubts(batch) if provider_of(batch, position) == mine]
    untried = [position for position in theirs if (position, mine) not in tried.at]
    again = [position for position in theirs if position in tried.lost or (risk and position in tried.unanswered)]
    if batch.risk or policy in {Settle.RESEND, Settle.RISK}:
        again += [position for position in untried if position not in tried.lost]
    if again or policy not in {Settle.ASK, Settle.ASK_THEN_RISK}:
        return Picked(again)
    return Picked(untried, ask=True)


def pick(batch: Batch, channel: Channel, tried: Tried, unreachable: frozenset[str], now: datetime) -> Picked:
    """Who is next at this provider; `unreachable` are providers that cannot be asked now."""
    first = settling(batch, channel, tried, now)
    if first.positions:
        return first
    mine = channel.provider
    if batch.priority <= EMERGENCY and _too_long(batch, now):
        # Being told twice is better than not at all.
        left = [
            position
            for position in doubts(batch)
            if provider_of(batch, position) in unreachable and (position, mine) not in tried.at
        ]
        if left:
            return Picked(left)
    open_ = [position for position, outcome in enumerate(batch.outcomes) if outcome in OPEN]
    return Picked([position for position in open_ if (position, mine) not in tried.at] if tried.at else open_)


def _too_long(batch: Batch, now: datetime) -> bool:
    return batch.unasked_since is not None and batch.unasked_since <= now - PATIENCE
