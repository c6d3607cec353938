"""What waits, for how long and why, and how each provider is: for an operator's screen and for scrapers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Alert, Message
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.health import fresh, on_trial, share, used_today
from geoalert.dispatch.plan import EMERGENCY, PARKED
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.staff import shown
from geoalert.dispatch.tables import Alarm, Batch, Halt, ProviderHealth, StaffMessage
from geoalert.store import database_now
from geoalert.subscribers.codes import CHANNEL_NAMES

LANES = {True: "emergency", False: "routine"}


@dataclass(frozen=True, slots=True)
class Pile:
    """Batches of one state at one provider."""

    state: str
    provider: str
    why: str
    batches: int
    recipients: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What is due now and not in anybody's hands, of one lane; `oldest_s` seconds overdue."""

    lane: str
    batches: int
    recipients: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class SetAside:
    """Batches set aside, by message and reason: what a person must look at."""

    alert: str
    message: int
    channel: str
    why: str
    batches: int
    recipients: int


@dataclass(frozen=True, slots=True)
class ProviderState:
    """How a provider is. `share` of its usual work, 0 to 1; `said` is what it answered when it was last asked about us,
    empty when all was well; `balance` in its own currency.
    """

    provider: str
    channel: str
    state: str  # well, ill, left alone, on trial, stands still
    share: float
    rate: float
    used_today: int
    daily_cap: int
    balance: float | None
    checked_at: datetime | None
    said: str


@dataclass(frozen=True, slots=True)
class Stop:
    """What stands still until a person acts. An empty provider is all of them; no alert: every message."""

    provider: str
    alert: str
    why: str
    since: datetime
    by: str
    emergencies: bool


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """What deserves a person's attention now; `paged`: the pager has taken it."""

    severity: str
    words: str
    since: datetime
    key: str
    paged: bool


@dataclass(frozen=True, slots=True)
class StaffSaid:
    """The last daily message to staff through a provider: accepted, failed and why, unknown, or being sent."""

    provider: str
    channel: str
    day: str
    said: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    batches: list[Pile]
    queues: list[Queue]
    set_aside: list[SetAside]
    providers: list[ProviderState]
    halts: list[Stop]
    alarms: list[OpenAlarm]
    staff: list[StaffSaid]


async def overview(session: AsyncSession, channels: Iterable[Channel]) -> Overview:
    """The whole picture, in one snapshot."""
    now = await database_now(session)
    stops = await halts(session)
    return Overview(
        await _piles(session),
        await queues(session, now),
        await _set_aside(session),
        await providers(session, channels, stops, now),
        stops,
        await open_alarms(session),
        await staff_messages(session, now),
    )


async def open_alarms(session: AsyncSession) -> list[OpenAlarm]:
    """The gravest first."""
    rows = await session.scalars(select(Alarm).where(Alarm.said_at.is_not(None), Alarm.ended_at.is_(None)))
    found = [OpenAlarm(row.severity, row.words, row.since, row.key, row.told == "alarm") for row in rows]
    return sorted(found, key=lambda alarm: (alarm.severity, alarm.since, alarm.key))


async def staff_messages(session: AsyncSession, now: datetime) -> list[StaffSaid]:
    """The last through each provider, by name."""
    rows = await session.scalars(select(StaffMessage).order_by(StaffMessage.day))
    last = {row.provider: row for row in rows}
    return [
        StaffSaid(row.provider, row.channel, row.day, shown(row.state, row.at, now), _why(row.reason), row.at)
        for _, row in sorted(last.items())
    ]


async def queues(session: AsyncSession, now: datetime) -> list[Queue]:
    """Both lanes, also when nothing waits."""
    urgent = case((Batch.priority <= EMERGENCY, 1), else_=0)
    due = and_(Batch.state == "queued", Batch.not_before <= now)
    rows = await session.execute(
        select(urgent, func.count(), func.sum(Batch.size), func.min(Batch.not_before)).where(due).group_by(urgent)
    )
    found = {bool(row[0]): row for row in rows}
    made = []
    for is_urgent, lane in LANES.items():
        _, count, size, oldest = found.get(is_urgent, (0, 0, 0, None))
        made.append(Queue(lane, count, int(size), 0.0 if oldest is None else (now - oldest).total_seconds()))
    return made


async def providers(
    session: AsyncSession, channels: Iterable[Channel], stops: Iterable[Stop], now: datetime
) -> list[ProviderState]:
    """Every provider that is configured, by name."""
    known = {row.provider: row for row in await session.scalars(select(ProviderHealth))}
    still = {stop.provider for stop in stops if not stop.alert}
    return [
        _provider(channel, known.get(channel.provider) or fresh(channel.provider, now), still, now)
        for channel in sorted(channels, key=lambda channel: (channel.name, channel.provider))
    ]


def _provider(channel: Channel, health: ProviderHealth, still: set[str], now: datetime) -> ProviderState:
    part = share(health, now)
    if channel.provider in still or "" in still:
        state = "stands still"
    elif health.open_until is not None:
        state = "left alone"
    elif on_trial(health):
        state = "on trial"
    else:
        state = "well" if part >= 1.0 else "ill"
    return ProviderState(
        channel.provider,
        channel.name,
        state,
        round(part, 3),
        channel.traits.rate,
        used_today(health, now),
        channel.traits.daily_cap,
        health.balance,
        health.checked_at,
        Reason(health.check_said).name.lower() if health.check_said else "",
    )


async def _piles(session: AsyncSession) -> list[Pile]:
    rows = await session.execute(
        select(Batch.state, Batch.provider, Batch.parked_for, func.count(), func.sum(Batch.size))
        .group_by(Batch.state, Batch.provider, Batch.parked_for)
        .order_by(Batch.state, Batch.provider, Batch.parked_for)
    )
    return [Pile(state, provider, _why(why), batches, int(size)) for state, provider, why, batches, size in rows]


async def _set_aside(session: AsyncSession) -> list[SetAside]:
    rows = await session.execute(
        select(Alert.identifier, Message.number, Batch.channel, Batch.parked_for, func.count(), func.sum(Batch.size))
        .join(Message, Message.id == Batch.message_id)
        .join(Alert, Alert.id == Message.alert_id)
        .where(Batch.state == PARKED)
        .group_by(Alert.identifier, Message.number, Batch.channel, Batch.parked_for)
        .order_by(Alert.identifier, Message.number, Batch.channel, Batch.parked_for)
    )
    return [
        SetAside(alert, number, CHANNEL_NAMES.get(channel, str(channel)), _why(why), batches, int(size))
        for alert, number, channel, why, batches, size in rows
    ]


async def halts(session: AsyncSession) -> list[Stop]:
    """What stands still, by provider."""
    rows = await session.execute(
        select(Halt, Alert.identifier)
        .outerjoin(Message, Message.id == Halt.message_id)
        .outerjoin(Alert, Alert.id == Message.alert_id)
        .order_by(Halt.provider, Halt.message_id)
    )
    return [
        Stop(halt.provider, alert or "", _why(halt.reason), halt.at, halt.by, halt.emergencies) for halt, alert in rows
    ]


def _why(reason: int) -> str:
    return Reason(reason).name.lower() if reason else ""


async def work_left(session: AsyncSession) -> tuple[int, int]:
    """Batches that are due or in a worker's hands, and their recipients."""
    now = await database_now(session)
    busy = or_(Batch.state == "leased", and_(Batch.state == "queued", Batch.not_before <= now))
    count, size = (await session.execute(select(func.count(), func.sum(Batch.size)).where(busy))).one()
    return count, int(size or 0)
