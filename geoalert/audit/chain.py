"""Checking the chain.

A cut tail cannot be seen from inside; whoever audits keeps the head hash that `verify` returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import func, select

from geoalert.audit.linking import GENESIS, link_all
from geoalert.audit.tables import AuditEntry
from geoalert.store import Store, digest


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit."""

    number: int
    reason: str


async def verify(store: Store) -> tuple[int, str, Broken | None]:
    """Number of entries, head hash, and the first break if there is one. What was committed before this call is
    linked first, so it is among them.
    """
    await link_all(store)
    previous, count = GENESIS, 0
    in_chain = AuditEntry.number.is_not(None)
    async with store.reading() as session:
        total = (await session.execute(select(func.count()).where(in_chain))).scalar_one()
        rows = await session.stream_scalars(select(AuditEntry).where(in_chain).order_by(AuditEntry.number))
        async for entry in rows:
            count += 1
            body = json.loads(entry.body)
            if entry.number != count or body["number"] != count:
                return total, previous, Broken(count, "is missing or out of place")
            if body["previous"] != previous:
                return total, previous, Broken(count, "does not follow the entry before it")
            if digest(body) != entry.hash or (body["action"], body["subject"]) != (entry.action, entry.subject):
                return total, previous, Broken(count, "was altered")
            previous = entry.hash
    return total, previous, None
