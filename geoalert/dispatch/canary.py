"""Asking providers about ourselves: each once a minute, and one that was left alone as soon as its time is over. Of all
workers one asks; nobody is told anything by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from geoalert.dispatch.channels.channel import Channel, Checked, Verdict
from geoalert.dispatch.health import ILL, LONGEST_ALONE, PROBE, leave_alone, let_return, runs
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import ProviderHealth
from geoalert.dispatch.vitals import locked_health
from geoalert.store import Store, database_now

log = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=60)


async def ask_providers(store: Store, channels: Iterable[Channel], spread: Callable[[], float]) -> None:
    """Asks those whose turn it is, and notes what they say. A provider left alone that answers well is let back in; one
    that does not is left alone for longer. All at once: one that is silent keeps nobody waiting.
    """
    ended = await asyncio.gather(*(_ask(store, channel, spread) for channel in channels), return_exceptions=True)
    failed = [each for each in ended if isinstance(each, BaseException)]
    if failed:
        raise failed[0]


async def _ask(store: Store, channel: Channel, spread: Callable[[], float]) -> None:
    async with store.looking() as session:  # each second, and mostly in vain: what is found is looked at again
        known = await session.get(ProviderHealth, channel.provider)
        if known is not None and not _due(known, await database_now(session)):
            return
    async with store.writing() as session:
        now = await database_now(session)
        health = await locked_health(session, channel.provider, now)
        if not _due(health, now):
            return  # another worker was first
        health.probe_until = now + PROBE
    checked = await channel.check()
    async with store.writing() as session:
        now = await database_now(session)
        note(await locked_health(session, channel.provider, now), channel, checked, now, spread=spread())


def _due(health: ProviderHealth, now: datetime) -> bool:
    if runs(health.probe_until, now, PROBE):
        return False
    if health.open_until is not None and not runs(health.open_until, now, LONGEST_ALONE):
        return True
    return not runs(None if health.checked_at is None else health.checked_at + EVERY, now, EVERY)


def note(health: ProviderHealth, channel: Channel, checked: Checked, now: datetime, *, spread: float) -> None:
    """What a provider said of us. Speaks up when that has changed, and when its balance runs low."""
    well = checked.result.verdict is Verdict.ACCEPTED
    said = Reason.NONE if well else checked.result.reason or Reason.NONSENSE
    if said is not Reason(health.check_said):
        if well:
            log.warning("%s answers well again", channel.provider)
        else:
            log.error("%s does not answer well: %s", channel.provider, said.name)
    least = channel.traits.low_balance
    if checked.balance is not None and checked.balance < least and not (health.balance and health.balance < least):
        log.error("%s has a balance of %.2f left", channel.provider, checked.balance)
    health.check_said, health.checked_at, health.probe_until = said, now, None
    health.balance = checked.balance if well else health.balance
    if health.open_until is not None and not runs(health.open_until, now, LONGEST_ALONE):
        if said in ILL:
            leave_alone(health, now, spread=spread)
        else:
            let_return(health, now)  # it does answer; what it thinks of us shows when it is tried
