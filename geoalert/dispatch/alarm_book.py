"""Writing alarms down: of all workers one begins an alarm, and one ends it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.alarm_signals import Look, look
from geoalert.dispatch.alarms import Condition, Step, conditions, steps
from geoalert.dispatch.tables import Alarm
from geoalert.store import Store, insert_for

log = logging.getLogger(__name__)

LONGEST: Final = 200  # characters of an alarm's words


async def keep_alarms(store: Store, low: Mapping[str, float], *, paged: bool) -> Look:
    """Begins and ends what is to; one statement and no transaction where nothing is. `low` is the least balance by
    provider. Where nobody is `paged`, an alarm goes when it ends.
    """
    async with store.looking() as session:
        seen = await look(session)
    if not _due(seen, low):
        return seen
    async with store.writing() as session:
        rows = {row.key: row for row in await session.scalars(select(Alarm).order_by(Alarm.key).with_for_update())}
        seen = await look(session)  # again: another worker may have been first
        found = conditions(seen.signals, low, seen.now)
        said: list[tuple[Step, str]] = []
        for key, step in steps(seen.known, found, seen.now):
            words = await _take(session, step, rows.get(key), found.get(key), seen.now, paged=paged)
            if words and step in {Step.SAID, Step.ENDED}:
                said.append((step, words))
    for step, words in said:
        if step is Step.SAID:
            log.error("alarm: %s", words)
        else:
            log.warning("an alarm is over: %s", words)
    return seen


def _due(seen: Look, low: Mapping[str, float]) -> bool:
    return any(True for _ in steps(seen.known, conditions(seen.signals, low, seen.now), seen.now))


async def _take(
    session: AsyncSession, step: Step, row: Alarm | None, condition: Condition | None, now: datetime, *, paged: bool
) -> str:
    """Carries one step out; returns the alarm's words, or nothing where another worker did it."""
    if row is None:
        return await _begin(session, step, condition, now) if condition is not None else ""
    words = row.words
    if step is Step.SAID:
        row.said_at, row.ended_at = row.said_at or now, None
    elif step is Step.PASSED or (step is Step.ENDED and not paged and not row.told):
        await session.delete(row)
    elif step is Step.ENDED:
        row.ended_at = now  # a page that is under way is awaited first
    return words


async def _begin(session: AsyncSession, step: Step, condition: Condition, now: datetime) -> str:
    row = {
        "key": condition.key,
        "severity": condition.severity,
        "words": condition.words[:LONGEST],
        "since": condition.since,
        "said_at": now if step is Step.SAID else None,
        "told": "",
        "attempts": 0,
        "next_try": now,
    }
    added = insert_for(session)(Alarm).values(**row).on_conflict_do_nothing().returning(Alarm.words)
    return (await session.execute(added)).scalar_one_or_none() or ""
