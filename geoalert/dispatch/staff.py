"""One real message a local day to staff through every provider of their channels: what no question about ourselves
shows. At most once a day and provider, whoever crashes: the claim is committed before anything leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, update

from geoalert.dispatch.alarms import IN_DOUBT
from geoalert.dispatch.channels.channel import Channel, SendResult, Verdict
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.sample import Sample, send_sample
from geoalert.dispatch.tables import StaffMessage
from geoalert.store import Store, database_now, insert_for

KEPT: Final = timedelta(days=30)
STATES: Final[Mapping[Verdict, str]] = {Verdict.ACCEPTED: "accepted", Verdict.UNCERTAIN: "unknown"}


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is told (addresses by channel), and from what time of the city's day on."""

    addresses: Mapping[str, Sequence[str]] = field(repr=False)
    at: time
    zone: ZoneInfo

    def day(self, now: datetime) -> date | None:
        """The day whose message is to leave now, unless it has; None: not yet."""
        local = now.astimezone(self.zone)
        return local.date() if local.time() >= self.at else None

    def through(self, channels: Iterable[Channel]) -> list[Channel]:
        """Every provider that reaches them, also one that stands by or still."""
        return [channel for channel in channels if channel.name in self.addresses]


async def tell_staff(store: Store, staff: Staff, channels: Collection[Channel]) -> date | None:
    """Sends what nobody has sent of the day's messages, all at once; returns the day, or None before its time."""
    async with store.reading() as session:
        day = staff.day(await database_now(session))
    if day is None:
        return None
    ended = await asyncio.gather(
        *(_tell(store, staff, channel, day) for channel in staff.through(channels)), return_exceptions=True
    )
    failed = [each for each in ended if isinstance(each, BaseException)]
    if failed:
        raise failed[0]
    return day


async def _tell(store: Store, staff: Staff, channel: Channel, day: date) -> None:
    async with store.writing() as session:
        now = await database_now(session)
        row = {
            "day": day.isoformat(),
            "provider": channel.provider,
            "channel": channel.name,
            "state": "sending",
            "reason": 0,
            "at": now,
        }
        claim = insert_for(session)(StaffMessage).values(**row).on_conflict_do_nothing().returning(StaffMessage.day)
        if (await session.execute(claim)).first() is None:
            return  # sent, or being sent, or in doubt
        await session.execute(delete(StaffMessage).where(StaffMessage.day < (day - KEPT).isoformat()))
    sample = Sample("en", f"geoalert daily test, {day.isoformat()}")
    results = await send_sample(store.keys, channel, staff.addresses[channel.name], sample, now)
    worst = max(results, key=_gravity)
    state = STATES.get(worst.verdict, "failed")
    reason = Reason.NONE if state == "accepted" else worst.reason
    async with store.writing() as session:
        mine = (StaffMessage.day == day.isoformat(), StaffMessage.provider == channel.provider)
        await session.execute(update(StaffMessage).where(*mine).values(state=state, reason=reason))


def _gravity(result: SendResult) -> int:
    return 0 if result.verdict is Verdict.ACCEPTED else 1 if result.verdict is Verdict.UNCERTAIN else 2


def shown(state: str, at: datetime, now: datetime) -> str:
    """What is known of a message: one that is being sent for too long is in doubt."""
    return "unknown" if state == "sending" and now - at > IN_DOUBT else state
