"""From recipients to durable batches, in the transaction that releases the message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch

# Claim order; the first two are the emergency lane.
PRIORITY: Final = MappingProxyType({"Extreme": 0, "Severe": 1, "Moderate": 5, "Minor": 7, "Unknown": 7})
EMERGENCY: Final = 1
PARKED: Final = "parked"


@dataclass(frozen=True, slots=True)
class Route:
    """How a channel is carried today."""

    provider: str
    batch_size: int


# A channel without a provider: its recipients are kept, shown as pending, and parked until one is configured.
UNROUTED: Final = Route("", 500)


@dataclass(frozen=True, slots=True)
class Announced:
    """A batch as the queue hears of it."""

    id: int
    priority: int
    provider: str


@dataclass(frozen=True, slots=True)
class Recipient:
    address: int
    channel: int
    language: int
    hold_until: datetime | None = None
    waits_for_cell: bool = False


async def plan_batches(
    session: AsyncSession,
    message: Message,
    recipients: Iterable[Recipient],
    routes: Mapping[int, Route],
    now: datetime,
) -> list[Announced]:
    """Stores the recipients as batches and returns those that workers may start.

    Each recipient stands in exactly one batch; the caller gives each (person, channel) once. Held batches wait for
    the end of the quiet hours; those of social accounts are parked until the cell publishes.
    """
    groups: dict[tuple[int, int, datetime | None, bool], list[int]] = defaultdict(list)
    for recipient in recipients:
        key = (recipient.channel, recipient.language, recipient.hold_until, recipient.waits_for_cell)
        groups[key].append(recipient.address)
    numbers = {
        row[0]: row[1]
        for row in await session.execute(
            select(Batch.channel, func.max(Batch.number)).where(Batch.message_id == message.id).group_by(Batch.channel)
        )
    }
    rows: list[dict[str, Any]] = []
    order = sorted(groups.items(), key=lambda item: (item[0][2] is not None, item[0][2] or now, item[0][0], item[0][1]))
    for (channel, language, hold_until, waits), addresses in order:
        route = routes.get(channel, UNROUTED)
        for part in _cut(addresses, route.batch_size):
            numbers[channel] = numbers.get(channel, 0) + 1
            held = waits or hold_until is not None
            reason = Reason.AWAITS_PUBLISHER if waits else Reason.QUIET_HOURS if held else Reason.NONE
            parked_for = reason if waits else Reason.NONE if route.provider else Reason.NO_PROVIDER
            rows.append(
                {
                    "message_id": message.id,
                    "channel": channel,
                    "number": numbers[channel],
                    "language": language,
                    "provider": route.provider,
                    "priority": PRIORITY[message.severity],
                    "not_before": hold_until or now,
                    "expires": message.expires,
                    "size": len(part),
                    "recipients": np.array(part, dtype="<i8").tobytes(),
                    "outcomes": bytes([Outcome.HELD if held else Outcome.PENDING]) * len(part),
                    "reasons": bytes([reason]) * len(part),
                    "state": PARKED if parked_for else "queued",
                    "parked_for": parked_for,
                    "lease_generation": 0,
                    "attempts": 0,
                }
            )
    if not rows:
        return []
    ids = (await session.scalars(insert(Batch).returning(Batch.id, sort_by_parameter_order=True), rows)).all()
    return [
        Announced(id_, row["priority"], row["provider"])
        for id_, row in zip(ids, rows, strict=True)
        if row["state"] == "queued"
    ]


def _cut(addresses: Sequence[int], size: int) -> list[Sequence[int]]:
    return [addresses[start : start + size] for start in range(0, len(addresses), size)]


def recipients_of(batch: Batch) -> list[int]:
    """Address ids by position."""
    ids: list[int] = np.frombuffer(batch.recipients, dtype="<i8").tolist()
    return ids
