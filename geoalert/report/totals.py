"""What became of an alert, counted from the batches themselves. `accepted` is never shown as `delivered`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import messages_of
from geoalert.alerts.tables import Alert, Message
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ProviderRef
from geoalert.subscribers.codes import CHANNEL_NAMES, LANGUAGE_NAMES

OUTCOMES = tuple(outcome.name.lower() for outcome in Outcome)


@dataclass
class Tally:
    """Counts of one message: by channel and outcome, by language, and why."""

    channels: dict[str, Counter[str]] = field(default_factory=dict)
    languages: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)  # by channel: what providers gave a name of their own

    def add(self, batch: Batch) -> None:
        """Counts one batch."""
        counts = Counter(batch.outcomes)
        channel = self.channels.setdefault(CHANNEL_NAMES[batch.channel], Counter())
        language = self.languages.setdefault(LANGUAGE_NAMES[batch.language], Counter())
        for code, count in counts.items():
            channel[OUTCOMES[code]] += count
            language[OUTCOMES[code]] += count
        for code, count in Counter(batch.reasons).items():
            if code:
                self.reasons[Reason(code).name.lower()] += count


async def tallies(session: AsyncSession, messages: Sequence[Message]) -> dict[int, Tally]:
    """A tally for each message."""
    found = {message.id: Tally() for message in messages}
    batches = await session.stream_scalars(
        select(Batch).where(Batch.message_id.in_(list(found))).order_by(Batch.id).execution_options(yield_per=200)
    )
    async for batch in batches:
        found[batch.message_id].add(batch)
    references = await session.execute(
        select(Batch.message_id, Batch.channel, func.count())
        .join(ProviderRef, ProviderRef.batch_id == Batch.id)
        .where(Batch.message_id.in_(list(found)))
        .group_by(Batch.message_id, Batch.channel)
    )
    for message_id, channel, count in references:
        found[message_id].references[CHANNEL_NAMES[channel]] = count
    return found


async def alert_report(session: AsyncSession, alert: Alert) -> dict[str, Any]:
    """The alert with every message's totals.

    `audience` is what was written down at release; the sum of all outcomes is counted now. `balanced` says that they
    agree in every channel.
    """
    messages = await messages_of(session, alert)
    counted = await tallies(session, messages)
    reports = [_message_report(message, counted[message.id]) for message in messages]
    units, cost = (
        await session.execute(
            select(func.coalesce(func.sum(ProviderRef.units), 0), func.coalesce(func.sum(ProviderRef.cost), 0.0))
            .join(Batch, Batch.id == ProviderRef.batch_id)
            .where(Batch.message_id.in_([message.id for message in messages]))
        )
    ).one()
    return {
        "alert": alert.identifier,
        "category": alert.category,
        "drill": alert.drill,
        "balanced": all(report["balanced"] for report in reports),
        "sms_units": int(units),
        "estimated_cost_rupees": round(float(cost), 2),
        "messages": reports,
    }


def _message_report(message: Message, tally: Tally) -> dict[str, Any]:
    promised = message.audience_counts or {}
    channels = {}
    for channel in sorted({*promised, *tally.channels}):
        outcomes = tally.channels.get(channel, Counter())
        channels[channel] = {
            "audience": promised.get(channel, 0),
            **{name: outcomes[name] for name in OUTCOMES},
            "references": tally.references[channel],
            "balanced": promised.get(channel, 0) == sum(outcomes.values()),
        }
    return {
        "message": message.identifier,
        "number": message.number,
        "msg_type": message.msg_type,
        "severity": message.severity,
        "state": message.state,
        "released_at": message.released_at.isoformat() if message.released_at else None,
        "people": message.audience_people or 0,
        "audience": message.audience_size or 0,
        "audience_hash": message.audience_hash,
        "channels": channels,
        "languages": {name: dict(counts) for name, counts in sorted(tally.languages.items())},
        "reasons": dict(sorted(tally.reasons.items())),
        "balanced": all(row["balanced"] for row in channels.values())
        and sum(row["audience"] for row in channels.values()) == (message.audience_size or 0),
    }


async def whole_report(session: AsyncSession) -> dict[str, Any]:
    """Every alert, oldest first."""
    alerts = await session.scalars(select(Alert).order_by(Alert.id))
    reports = [await alert_report(session, alert) for alert in list(alerts)]
    return {"balanced": all(report["balanced"] for report in reports), "alerts": reports}


async def progress(session: AsyncSession, alert: Alert) -> dict[str, Any]:
    """The newest released message's outcomes by channel, and whether anything is still to do."""
    released = [message for message in await messages_of(session, alert) if message.released_at is not None]
    if not released:
        return {"released": False, "finished": False, "parked": {}, "channels": {}}
    tally = (await tallies(session, released[-1:]))[released[-1].id]
    working = (
        await session.execute(
            select(func.count())
            .select_from(Batch)
            .where(Batch.message_id.in_([message.id for message in released]), Batch.state.in_(["queued", "leased"]))
        )
    ).scalar_one()
    rows = await session.execute(
        select(Batch.parked_for, func.count())
        .where(Batch.message_id.in_([message.id for message in released]), Batch.state == "parked")
        .group_by(Batch.parked_for)
    )
    parked = {Reason(reason).name.lower(): count for reason, count in rows}
    return {
        "released": True,
        "message": released[-1].identifier,
        "finished": not working and not parked,
        "parked": parked,
        "channels": {channel: dict(counts) for channel, counts in sorted(tally.channels.items())},
    }
