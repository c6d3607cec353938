"""From recipients to durable batches, in the transaction that releases the message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.storing import NewBatch, store_batches
from geoalert.dispatch.tables import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Claim order; the first two are the emergency lane.
PRIORITY: Final = MappingProxyType({"Extreme": 0, "Severe": 1, "Moderate": 5, "Minor": 7, "Unknown": 7})
EMERGENCY: Final = 1
PARKED: Final = "parked"
WIDE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Route:
    """How a channel is carried today; `channel` is who carries it, for whoever estimates before anything is planned."""

    provider: str
    batch_size: int
    channel: Channel | None = None


# A channel without a provider: its recipients are kept, shown as pending, and parked until one is configured.
UNROUTED: Final = Route("", 500)


@dataclass(frozen=True, slots=True)
class Announced:
    """A batch as the queue hears of it."""

    id: int
    priority: int
    provider: str


async def plan_batches(
    session: AsyncSession,
    message: Message,
    recipients: Recipients,
    routes: Mapping[int, Route],
    now: datetime,
    *,
    late: bool = False,
) -> list[Announced]:
    """Stores the recipients as batches and returns those that workers may start.

    Each recipient stands in exactly one batch; the caller gives each (owner, channel) once. Held batches wait for
    the end of the quiet hours; those of social accounts are parked until the cell publishes. Numbers go on from those
    the message has; what is `late` says when it was added.
    """
    batches: list[NewBatch] = []
    for (channel, language, hold, waits), owners in _groups(recipients):
        route = routes.get(channel, UNROUTED)
        held = bool(waits or hold)
        reason = Reason.AWAITS_PUBLISHER if waits else Reason.QUIET_HOURS if held else Reason.NONE
        parked_for = reason if waits else Reason.NONE if route.provider else Reason.NO_PROVIDER
        whole = owners.astype("<i8").tobytes()
        width = route.batch_size * 8
        for start in range(0, len(whole), width):
            part = whole[start : start + width]
            size = len(part) // 8
            batches.append(
                NewBatch(
                    channel=channel,
                    language=language,
                    provider=route.provider,
                    priority=PRIORITY[message.severity],
                    not_before=datetime.fromtimestamp(hold, UTC) if hold else now,
                    expires=message.expires,
                    size=size,
                    recipients=part,
                    outcomes=bytes([Outcome.HELD if held else Outcome.PENDING]) * size,
                    reasons=bytes([reason]) * size,
                    state=PARKED if parked_for else "queued",
                    parked_for=parked_for,
                    joined_at=now if late else None,
                )
            )
    ids = await store_batches(session, message.id, batches)
    return [
        Announced(id_, batch.priority, batch.provider)
        for id_, batch in zip(ids, batches, strict=True)
        if batch.state == "queued"
    ]


def _groups(recipients: Recipients) -> Iterator[tuple[tuple[int, int, int, bool], NDArray[np.int64]]]:
    """Owners by (channel, language, hold, waits): who need not wait first, then by when they are let go."""
    if not len(recipients):
        return
    key = recipients.channel.astype(np.int64) << 9 | recipients.language.astype(np.int64) << 1 | recipients.waits
    if recipients.hold.any():
        _, which = np.unique(recipients.hold, return_inverse=True)
        key |= which << 17
    known = np.flatnonzero(np.bincount(key))
    code = np.zeros(known[-1] + 1, dtype=np.uint16 if len(known) <= WIDE else np.int64)
    code[known] = np.arange(len(known))
    order = np.argsort(code[key], kind="stable")  # 16 bits wide it is a radix sort
    starts = np.flatnonzero(np.diff(key[order], prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        first = order[start]
        yield (
            (
                int(recipients.channel[first]),
                int(recipients.language[first]),
                int(recipients.hold[first]),
                bool(recipients.waits[first]),
            ),
            recipients.owner[order[start:end]],
        )


def recipients_of(batch: Batch) -> list[int]:
    """Owner ids by position: a subscriber's, or the negative of an account's."""
    ids: list[int] = np.frombuffer(batch.recipients, dtype="<i8").tolist()
    return ids
