"""Who carries the next chunk: of a channel's providers the one that works, by their weights; or why nobody does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.health import LONGEST_ALONE, on_trial, share, used_today
from geoalert.dispatch.plan import EMERGENCY
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Halt, ProviderHealth

ASK_AGAIN: Final = timedelta(seconds=1)  # while a provider's time alone is over and nobody has tried it yet
ANYWHERE: Final = ""
ANY_MESSAGE: Final = 0


@dataclass(frozen=True, slots=True)
class Carrier:
    """Use this channel; `on_trial`: for one recipient, and only by who claims the trial. `most` recipients are left of
    of its day's number; None: it has none. `calm`: it is well, and nobody waits to hear how it answers.
    """

    channel: Channel
    on_trial: bool = False
    most: int | None = None
    calm: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody can carry it before this moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nobody can carry it until a person acts."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a channel's providers now. `halts` are those that concern this message."""

    now: datetime
    priority: int
    health: Mapping[str, ProviderHealth]
    halts: Sequence[Halt]
    pressed: bool = False  # this is routine work, and an emergency is to be carried on the channel

    def stands_still(self, provider: str) -> Reason | None:
        """Why this provider is not to be used for this message, or None."""
        for halt in self.halts:
            if halt.provider in {provider, ANYWHERE} and (halt.emergencies or self.priority > EMERGENCY):
                return Reason(halt.reason)
        return None

    def usable(self, channel: Channel) -> bool:
        """Whether this provider may be asked at all now."""
        known = self.health.get(channel.provider)
        return self.stands_still(channel.provider) is None and (known is None or known.open_until is None)

    def weight(self, channel: Channel) -> float:
        """Its part of the work now; 0 while it is left alone, and for one that stands by."""
        return channel.traits.weight * self.share(channel)

    def share(self, channel: Channel) -> float:
        known = self.health.get(channel.provider)
        return 1.0 if known is None else share(known, self.now)

    def on_trial(self, channel: Channel) -> bool:
        known = self.health.get(channel.provider)
        return known is not None and on_trial(known)

    def calm(self, channel: Channel) -> bool:
        """Whether it answered well all the while, and none of its day's number is counted."""
        known = self.health.get(channel.provider)
        return (
            known is not None
            and known.open_until is None
            and known.returning_since is None
            and not known.streak
            and not channel.traits.daily_cap
        )

    def left_today(self, channel: Channel) -> int | None:
        """What is left of its day's number; None: no bound. Emergencies are counted, but never stopped by it."""
        known, cap = self.health.get(channel.provider), channel.traits.daily_cap
        if not cap or self.priority <= EMERGENCY:
            return None
        return max(cap - (0 if known is None else used_today(known, self.now)), 0)


def choose(
    situation: Situation, channels: Sequence[Channel], current: str, *, begun: bool, spread: float
) -> Carrier | Wait | Stopped:
    """The carrier of the next chunk. One that works keeps what it has `begun`; `spread` in [0, 1) shares out the rest.
    `channels` are the providers of one channel, at least one.
    """
    reasons = [situation.stands_still(channel.provider) for channel in channels]
    able = [channel for channel, reason in zip(channels, reasons, strict=True) if reason is None]
    if not able:
        mine = [reason for channel, reason in zip(channels, reasons, strict=True) if channel.provider == current]
        return Stopped(next((reason for reason in [*mine, *reasons] if reason is not None), Reason.NONE))
    within = [channel for channel in able if situation.left_today(channel) != 0]
    if not within:
        return Wait(_midnight(situation.now))
    up = [channel for channel in within if situation.usable(channel)]
    if not up:
        return Wait(_earliest(situation, within))
    kept = next((channel for channel in up if channel.provider == current), None)
    if begun and kept is not None and situation.share(kept) >= 1.0:
        return _carrier(situation, kept)
    weighted = [(channel, situation.weight(channel) or _standby(situation, channel, up)) for channel in up]
    if situation.priority <= EMERGENCY and any(situation.share(channel) < 1.0 for channel in up):
        # Nobody's life is the trial of a provider while another one works better.
        picked = max(up, key=lambda channel: (situation.share(channel), channel.traits.weight))
    else:
        picked = _pick(weighted, spread)
    return _carrier(situation, picked)


def _carrier(situation: Situation, channel: Channel) -> Carrier:
    on_trial, most = situation.on_trial(channel), situation.left_today(channel)
    return Carrier(channel, on_trial=on_trial, most=most, calm=situation.calm(channel))


def _standby(situation: Situation, channel: Channel, up: Sequence[Channel]) -> float:
    """What a provider of weight 0 is given: what those that have one cannot take."""
    heavy = [other for other in up if other.traits.weight]
    missing = 1.0 - max((situation.share(other) for other in heavy), default=0.0)
    return 100.0 * max(missing, 0.0) * situation.share(channel)


def _pick(weighted: Sequence[tuple[Channel, float]], spread: float) -> Channel:
    total = sum(weight for _, weight in weighted)
    left = spread * total
    for channel, weight in weighted:
        left -= weight
        if left < 0:
            return channel
    return max(weighted, key=lambda pair: pair[1])[0]


def _earliest(situation: Situation, channels: Sequence[Channel]) -> datetime:
    ends = [
        known.open_until
        for channel in channels
        if (known := situation.health.get(channel.provider)) is not None and known.open_until is not None
    ]
    return min(max(min(ends), situation.now + ASK_AGAIN), situation.now + LONGEST_ALONE)


def _midnight(now: datetime) -> datetime:
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
