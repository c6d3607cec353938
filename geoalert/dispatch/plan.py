"""From recipients to durable batches, in the transaction that releases the message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.dealing import dealt
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.owners import owners_in, shared_out
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.storing import NewBatch, Shared, store_batches
from geoalert.dispatch.tables import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Claim order; the first two are the emergency lane.
PRIORITY: Final = MappingProxyType({"Extreme": 0, "Severe": 1, "Moderate": 5, "Minor": 7, "Unknown": 7})
EMERGENCY: Final = 1
PARKED: Final = "parked"
HOLD: Final = 9  # bits below a hold in the key of a group: four of a channel, four of a language, one


# A few thousand are dealt out to so many, that a second worker finds something to do; fewer people than this are not
# worth dealing out.
SHARES: Final = 8
FEWEST: Final = 250


@dataclass(frozen=True, slots=True)
class Route:
    """How a channel is carried today: in batches of at most `batch_size` recipients, in at least `shares` of them where
    they are not few. `channel` is who carries it, for whoever estimates before anything is planned.
    """

    provider: str
    batch_size: int
    channel: Channel | None = None
    shares: int = SHARES


# A channel without a provider: its recipients are kept, shown as pending, and parked until one is configured.
UNROUTED: Final = Route("", 500)


@dataclass(frozen=True, slots=True)
class Announced:
    """A batch as the queue hears of it."""

    id: int
    priority: int
    channel: int


async def plan_batches(
    session: AsyncSession,
    message: Message,
    recipients: Recipients,
    routes: Mapping[int, Route],
    now: datetime,
    *,
    first: bool = False,
    late: bool = False,
    look_at: datetime | None = None,
    moved_for: Reason | None = None,
) -> list[Announced]:
    """Stores the recipients as batches and returns those that workers may start.

    Each recipient stands in exactly one batch; the caller gives each (owner, channel) once. Held batches wait for
    the end of the quiet hours; those of social accounts are parked until the cell publishes. Numbers go on from those
    the message has, which is not asked for its `first`. What is `late` says when it was added, and `moved_for` why
    these people's channel before was not enough. From `look_at` on somebody looks whether theirs is.
    """
    piles = [_Pile(how, owners, routes.get(how[0], UNROUTED)) for how, owners in _groups(recipients)]
    shared = Shared(
        priority=PRIORITY[message.severity],
        expires=message.expires,
        joined_at=now if late else None,
        look_at=look_at,
        moved_for=moved_for,
    )
    count = sum(-(-len(pile.owners) // pile.most) for pile in piles)

    def made() -> list[NewBatch]:
        return [batch for pile in piles for batch in _batches(pile, now)]

    stored = await store_batches(session, message.id, shared, count, made, first=first)
    return [Announced(id_, shared.priority, batch.channel) for id_, batch in stored if batch.state == "queued"]


class _Pile(NamedTuple):
    """Who leaves alike: by channel, language, hold and whether they wait for the cell."""

    how: tuple[int, int, int, bool]
    owners: NDArray[np.int64]
    route: Route

    @property
    def most(self) -> int:
        """In one batch."""
        return min(self.route.batch_size, max(FEWEST, -(-len(self.owners) // self.route.shares)))


def _batches(pile: _Pile, now: datetime) -> Iterator[NewBatch]:
    channel, language, hold, waits = pile.how
    held = bool(waits or hold)
    reason = Reason.AWAITS_PUBLISHER if waits else Reason.QUIET_HOURS if held else Reason.NONE
    parked_for = reason if waits else Reason.NONE if pile.route.provider else Reason.NO_PROVIDER
    outcome = bytes([Outcome.HELD if held else Outcome.PENDING])
    not_before = datetime.fromtimestamp(hold, UTC) if hold else now
    state = PARKED if parked_for else "queued"
    for share in shared_out(pile.owners, pile.most):
        codes = (outcome * share.size, bytes([reason]) * share.size)
        yield NewBatch(channel, language, pile.route.provider, not_before, *share, *codes, state, parked_for)


def _groups(recipients: Recipients) -> Iterator[tuple[tuple[int, int, int, bool], NDArray[np.int64]]]:
    """Owners by (channel, language, hold, waits): who need not wait first, then by when they are let go."""
    if not len(recipients):
        return
    # Two bytes: what is read and written here costs more than what is computed.
    key = recipients.channel.astype(np.uint16) << 5 | recipients.language.astype(np.uint16) << 1 | recipients.waits
    holds = np.zeros(1, dtype=np.int64)
    if recipients.hold.any():
        holds, which = np.unique(recipients.hold, return_inverse=True)
        key = key | which << HOLD
    for group, owners in dealt(key, recipients.owner):
        channel, language, waits = group >> 5 & 0xF, group >> 1 & 0xF, bool(group & 1)
        yield (channel, language, int(holds[group >> HOLD]), waits), owners


def recipients_of(batch: Batch) -> list[int]:
    """Owner ids by position: a subscriber's, or the negative of an account's."""
    ids: list[int] = owners_in(batch.recipients).tolist()
    return ids
