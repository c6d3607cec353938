"""Addresses that a receipt proves dead, long after the provider took the message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.store import IDS_A_QUERY
from geoalert.subscribers.tables import Address

GONE: Final = frozenset({Reason.UNREGISTERED, Reason.INVALID_ADDRESS})


async def retire(session: AsyncSession, positions: Mapping[int, Collection[int]]) -> int:
    """Retires the addresses of these recipients, by batch, whose entry says they are dead; returns how many.

    Which address a recipient was told by is not kept. So only the one usable address that somebody has for the channel
    is retired, and only where they had it before the first of the batch was handed over: a new one is not blamed for
    what the old one did. The caller has locked the batches.
    """
    dead: set[int] = set()
    for batch_id in sorted(positions):
        batch = await session.get_one(Batch, batch_id)
        if batch.handed_at is None:
            continue
        ids = recipients_of(batch)
        owners = [
            ids[position]
            for position in positions[batch_id]
            if 0 <= position < batch.size
            and batch.outcomes[position] == Outcome.FAILED
            and batch.reasons[position] in GONE
            and ids[position] > 0
        ]
        for start in range(0, len(owners), IDS_A_QUERY):
            rows = (
                await session.execute(
                    select(Address.id, Address.owner_id, Address.created_at, Address.verified_at).where(
                        Address.owner_kind == "subscriber",
                        Address.owner_id.in_(owners[start : start + IDS_A_QUERY]),
                        Address.channel == batch.channel,
                        Address.state == "active",
                    )
                )
            ).all()
            many = Counter(row.owner_id for row in rows)
            dead |= {
                row.id
                for row in rows
                if many[row.owner_id] == 1 and max(row.created_at, row.verified_at or row.created_at) <= batch.handed_at
            }
    if dead:
        await session.execute(update(Address).where(Address.id.in_(sorted(dead))).values(state="gone"))
    return len(dead)
