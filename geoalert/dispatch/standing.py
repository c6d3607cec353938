"""Where one person stands in the batches of messages, found by what each batch spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.handed import provider_of
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch, ProviderRef, ReceiptRow
from geoalert.dispatch.told import may_have_told


@dataclass(frozen=True, slots=True)
class Standing:
    """One (message, channel) of a person. `not_before` is when their batch may leave next; `handed_over_at` and
    `receipts` (status, when) are what the channel keeps: empty does not mean that nothing happened. `begun_at` is when
    the first of their batch was handed over; `moved_for` what the channel before met, of those who go on by this one.
    """

    message_id: int
    channel: int
    language: int
    outcome: Outcome
    reason: Reason
    joined_at: datetime | None
    not_before: datetime
    handed_over_at: datetime | None
    begun_at: datetime | None
    moved_for: Reason | None
    receipts: tuple[tuple[str, datetime], ...]

    @property
    def may_have_told(self) -> bool:
        """Whether it may have reached them."""
        return may_have_told(self.outcome, self.reason)


async def standings(session: AsyncSession, message_ids: Sequence[int], owner: int) -> list[Standing]:
    """Every place this owner has in the batches of these messages, by message and channel."""
    rows = await session.scalars(
        select(Batch)
        .where(Batch.message_id.in_(message_ids), Batch.owner_from <= owner, Batch.owner_to >= owner)
        .order_by(Batch.message_id, Batch.channel)
    )
    found = [
        (batch, position)
        for batch in rows  # few: who leaves alike stands in order of ids
        for position in np.flatnonzero(owners_in(batch.recipients) == owner).tolist()
    ]
    handed, receipts = await _trail(session, found)
    return [
        Standing(
            message_id=batch.message_id,
            channel=batch.channel,
            language=batch.language,
            outcome=Outcome(batch.outcomes[position]),
            reason=Reason(batch.reasons[position]),
            joined_at=batch.joined_at,
            not_before=batch.not_before,
            handed_over_at=handed.get((batch.id, position)),
            begun_at=batch.handed_at,
            moved_for=None if batch.moved_for is None else Reason(batch.moved_for),
            receipts=tuple(receipts[batch.id, position]),
        )
        for batch, position in found
    ]


async def _trail(
    session: AsyncSession, found: Sequence[tuple[Batch, int]]
) -> tuple[dict[tuple[int, int], datetime], dict[tuple[int, int], list[tuple[str, datetime]]]]:
    """By (batch, position): when a provider took it, and the receipts that came."""
    handed: dict[tuple[int, int], datetime] = {}
    receipts: dict[tuple[int, int], list[tuple[str, datetime]]] = defaultdict(list)
    for batch, position in found:
        at = await session.scalar(
            select(func.min(ProviderRef.at)).where(ProviderRef.batch_id == batch.id, ProviderRef.position == position)
        )
        if at is not None:
            handed[batch.id, position] = at
        rows = await session.execute(
            select(ReceiptRow.status, ReceiptRow.at)
            .where(ReceiptRow.provider == provider_of(batch, position), ReceiptRow.ref == f"{batch.id}.{position}")
            .order_by(ReceiptRow.id)
        )
        receipts[batch.id, position] = [(status, at) for status, at in rows]
    return handed, receipts
