"""Appending to the chain, and checking it.

A cut tail cannot be seen from inside; whoever audits keeps the head hash that `verify` returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit.tables import AuditEntry
from geoalert.store import canonical, database_now, digest

GENESIS = "0" * 64
LOCK = 7262  # PostgreSQL advisory lock: one appender at a time, so that numbers have no gaps


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit."""

    number: int
    reason: str


async def append(session: AsyncSession, actor: str, action: str, subject: str, detail: dict[str, Any]) -> str:
    """Adds one entry in the caller's transaction and returns its hash. `detail` holds no phone, token or location."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    last = (
        await session.execute(select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1))
    ).one_or_none()
    number = last.number + 1 if last else 1
    body = {
        "number": number,
        "at": (await database_now(session)).isoformat(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "previous": last.hash if last else GENESIS,
    }
    entry = AuditEntry(number=number, body=canonical(body).decode(), action=action, subject=subject, hash=digest(body))
    session.add(entry)
    await session.flush()
    return entry.hash


async def verify(session: AsyncSession) -> tuple[int, str, Broken | None]:
    """Number of entries, head hash, and the first break if there is one."""
    previous, count = GENESIS, 0
    total = (await session.execute(select(func.count()).select_from(AuditEntry))).scalar_one()
    rows = await session.stream_scalars(select(AuditEntry).order_by(AuditEntry.number))
    async for entry in rows:
        count += 1
        body = json.loads(entry.body)
        if entry.number != count or body["number"] != count:
            return total, previous, Broken(count, "an entry is missing or out of place")
        if body["previous"] != previous:
            return total, previous, Broken(count, "does not follow the entry before it")
        if digest(body) != entry.hash or (body["action"], body["subject"]) != (entry.action, entry.subject):
            return total, previous, Broken(count, "was altered")
        previous = entry.hash
    return total, previous, None
