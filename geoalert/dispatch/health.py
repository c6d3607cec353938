"""How well a provider answers, and what share of its usual work it is given.

Counts fade with time, so that a share that sank rises again by itself. A provider that gives three chunks in a row not
one good answer is left alone; afterwards one recipient at a time finds out whether it is back, and its share grows
again over two minutes. GOV.UK Notify moves ten points a minute after 50 errors; here nobody waits for a minute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from geoalert.dispatch.channels.channel import Verdict
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import ProviderHealth

FADE: Final = 60.0  # seconds in which a count falls to a third
PRIOR: Final = 5.0  # good answers that are taken as given: one bad answer is no trend
WORRYING: Final = 0.15  # share of ill answers from which work moves elsewhere
OPEN_AFTER: Final = 3  # chunks in a row
# Seconds, by how often in a row. Who was cut off shall carry again half a minute after the line is mended: that is the
# last of these, spread, and a question that was on its way.
OPEN_FOR: Final = (2, 5, 10, 15)
RETURN: Final = 120.0  # seconds from the first good answer to the whole share
FIRST_SHARE: Final = 0.1
SLOW: Final = 5.0  # seconds for a chunk: as good as no answer
PROBE: Final = timedelta(seconds=15)  # how long one may try it before another may
LONGEST_ALONE: Final = timedelta(seconds=OPEN_FOR[-1] * 1.25)  # with the spread

# A refusal of one recipient, or a request to slow down, comes from a provider that works.
ILL: Final = frozenset(
    {Reason.PROVIDER_ERROR, Reason.TIMEOUT, Reason.CONNECTION_LOST, Reason.NONSENSE, Reason.NOT_CONNECTED}
)

USED: Final = frozenset({Verdict.ACCEPTED, Verdict.UNCERTAIN})  # what a provider may count for its day


def fresh(provider: str, now: datetime) -> ProviderHealth:
    """A provider nobody has asked yet."""
    return ProviderHealth(
        provider=provider, at=now, answers=0.0, ill=0.0, streak=0, opens=0, day=_day(now), used=0, check_said=0
    )


def share(health: ProviderHealth, now: datetime) -> float:
    """What part of its usual work a provider is given now: 0 to 1."""
    if health.open_until is not None:
        return 0.0
    ramp = 1.0
    if health.returning_since is not None:
        ramp = min(1.0, FIRST_SHARE + max((now - health.returning_since).total_seconds(), 0.0) / RETURN)
    left = _fading(health, now)
    ill = health.ill * left / (health.answers * left + PRIOR)
    return ramp * (1.0 - ill if ill >= WORRYING else 1.0)


def runs(end: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether a time that was set to end within `longest` is not over. One that ends later than that was set by a clock
    that has stepped back since: waiting for it could take hours.
    """
    return end is not None and now < end <= now + longest


def on_trial(health: ProviderHealth) -> bool:
    """Whether it is to be tried by one recipient at a time."""
    return health.returning_since is not None and health.streak > 0


def used_today(health: ProviderHealth, now: datetime) -> int:
    """Recipients handed over since midnight UTC."""
    return health.used if health.day == _day(now) else 0


def observe(
    health: ProviderHealth,
    kinds: Mapping[tuple[Verdict, Reason], int],
    seconds: float,
    now: datetime,
    *,
    spread: float,
    counts: bool = True,
    said: datetime | None = None,
) -> None:
    """Takes note of how many answers of each kind a chunk had, after `seconds`; whether they count for the day (a
    look-up does not). `spread` in [0, 1) keeps workers from coming back at one moment. Answers that were `said` before
    others that are noted already add to the counts, and do not outweigh those.
    """
    if counts:
        taken = sum(count for (verdict, _), count in kinds.items() if verdict in USED)
        health.used, health.day = used_today(health, now) + taken, _day(now)
    began = now - timedelta(seconds=seconds)
    if health.returning_since is not None and health.returning_since > now:  # the clock has stepped back
        health.returning_since = began
    answers = sum(kinds.values())
    wrong = sum(count for (_, reason), count in kinds.items() if reason in ILL)
    well = not wrong
    if not well and (health.open_until is not None or (health.returning_since and began < health.returning_since)):
        return  # of before it was left alone: known already
    newest = said is None or said >= health.at
    left = _fading(health, now)
    ill = answers if seconds > SLOW else wrong
    health.at, health.answers, health.ill = now, health.answers * left + answers, health.ill * left + ill
    if not newest:
        return
    health.probe_until = None
    if well:
        health.streak = 0
        if health.returning_since is not None and (now - health.returning_since).total_seconds() >= RETURN:
            health.returning_since, health.opens = None, 0
    elif wrong == answers:
        health.streak += 1
        if health.streak >= OPEN_AFTER:
            leave_alone(health, now, spread=spread)


def leave_alone(health: ProviderHealth, now: datetime, *, spread: float) -> None:
    """Gives it nothing for a while: longer each time."""
    seconds = OPEN_FOR[min(health.opens, len(OPEN_FOR) - 1)]
    health.opens += 1
    health.open_until = now + timedelta(seconds=seconds * (0.75 + spread / 2))
    health.returning_since = health.probe_until = None


def let_return(health: ProviderHealth, now: datetime) -> None:
    """Tries it again, one recipient at a time until one is answered well."""
    health.open_until, health.returning_since = None, now
    health.answers = health.ill = 0.0  # what it does from here on counts


def _fading(health: ProviderHealth, now: datetime) -> float:
    return math.exp(-max((now - health.at).total_seconds(), 0.0) / FADE)


def _day(now: datetime) -> str:
    return now.date().isoformat()
