"""All entries of a message with what became of them, as arrays; and whose channels have all come to an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.heard import among
from geoalert.dispatch.outcomes import DEAD_END, Outcome
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.packed import Packed, stacked
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ReceiptRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What may still become, or be, a telling, and does not say that it arrived.
UNCONFIRMED: Final = np.isin(
    np.arange(256), [Outcome.PENDING, Outcome.HELD, Outcome.SENDING, Outcome.UNCERTAIN, Outcome.ACCEPTED]
)


@dataclass(frozen=True, slots=True)
class AtAnEnd:
    """People without a channel of the message that told them or still may, ascending, each once: the channels they
    stand under, as bits by their code, and what the last of those met (a `Reason`).
    """

    owner: NDArray[np.int64]
    used: NDArray[np.int64]
    cause: NDArray[np.uint8]

    @classmethod
    def none(cls) -> AtAnEnd:
        """Nobody."""
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, np.empty(0, dtype=np.uint8))


@dataclass(frozen=True, slots=True)
class Entries:
    """One entry after the other as `packed` has them. `batch` is each one's batch, `planned` the time (seconds since
    1970) when it came into the message, `begun` that from which it has had the chance to arrive: when the first of its
    batch was handed over, or `planned` where nobody was yet.
    """

    packed: Packed
    batch: NDArray[np.int64]
    outcome: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    planned: NDArray[np.float64]
    begun: NDArray[np.float64]

    def at_an_end(self, asked: NDArray[np.int64], within: timedelta | None, now: datetime) -> AtAnEnd:
        """Who of those asked about (ascending, each once) is. With `within`, what has not said in this time that it
        arrived counts as an end, whatever else is known of it.
        """
        theirs = np.flatnonzero(among(self.packed.owner, asked))
        if not len(theirs):
            return AtAnEnd.none()
        outcome, reason = self.outcome[theirs], self.reason[theirs]
        dead = DEAD_END[outcome, reason]
        silent = np.zeros(len(theirs), dtype=bool)
        if within is not None:
            silent = UNCONFIRMED[outcome] & (self.begun[theirs] + within.total_seconds() <= now.timestamp())
        order = np.lexsort((self.planned[theirs], self.packed.owner[theirs]))
        owner = self.packed.owner[theirs][order]
        first = np.flatnonzero(np.diff(owner, prepend=owner[0] - 1))
        last = np.append(first[1:], len(owner)) - 1
        ended = np.logical_and.reduceat((dead | silent)[order], first)
        used = np.bitwise_or.reduceat(np.int64(1) << self.packed.channel[theirs][order].astype(np.int64), first)
        cause = np.where(silent, np.uint8(Reason.NOT_CONFIRMED), reason)[order][last]
        return AtAnEnd(owner[first][ended], used[ended], cause[ended])


async def entries_of(session: AsyncSession, message: Message) -> Entries:
    """As the batches stand. Who said that it arrived, by a receipt that nobody has folded yet, has said so."""
    # Before the batches: what is folded in between is seen there.
    arrived = (
        await session.execute(
            select(ReceiptRow.batch_id, ReceiptRow.position)
            .join(Batch, Batch.id == ReceiptRow.batch_id)
            .where(
                Batch.message_id == message.id,
                ReceiptRow.folded == 0,
                ReceiptRow.status == Status.DELIVERED.value,
                ReceiptRow.position >= 0,
                ReceiptRow.position < Batch.size,
            )
        )
    ).all()
    rows = (
        await session.execute(
            select(
                Batch.id,
                Batch.channel,
                Batch.language,
                Batch.recipients,
                Batch.outcomes,
                Batch.reasons,
                Batch.joined_at,
                Batch.handed_at,
            )
            .where(Batch.message_id == message.id)
            .order_by(Batch.channel, Batch.number)
        )
    ).all()
    released = message.released_at or message.created_at
    sizes = [len(row.outcomes) for row in rows]
    starts = dict(zip((row.id for row in rows), np.cumsum([0, *sizes])[:-1].tolist(), strict=True))
    planned = [(row.joined_at or released).timestamp() for row in rows]
    begun = [(row.handed_at or row.joined_at or released).timestamp() for row in rows]
    outcome = np.frombuffer(b"".join(row.outcomes for row in rows), dtype=np.uint8).copy()
    for batch_id, position in arrived:
        if batch_id in starts:
            outcome[starts[batch_id] + position] = Outcome.DELIVERED
    return Entries(
        packed=stacked((row.channel, row.language, owners_in(row.recipients)) for row in rows),
        batch=np.repeat(np.array([row.id for row in rows], dtype=np.int64), sizes),
        outcome=outcome,
        reason=np.frombuffer(b"".join(row.reasons for row in rows), dtype=np.uint8),
        planned=np.repeat(np.array(planned, dtype=np.float64), sizes),
        begun=np.repeat(np.array(begun, dtype=np.float64), sizes),
    )
