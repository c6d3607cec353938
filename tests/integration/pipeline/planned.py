"""Alerts that announce what is planned and ask for a reminder, the time that passes, and what the record says of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from geoalert.alerts import find_alert, messages_of
from geoalert.alerts.tables import Message
from geoalert.audit.tables import AuditEntry
from geoalert.store import database_now
from tests.workbench import Chain


async def later(chain: Chain, hours: float) -> datetime:
    async with chain.house.store.reading() as session:
        return await database_now(session) + timedelta(hours=hours)


async def asks(chain: Chain, **changes: Any) -> dict[str, Any]:
    """An alert that begins in three hours, ends in six and reminds in two."""
    moments = {"remind_at": 2.0, "onset": 3.0, "expires": 6.0}
    return {name: await later(chain, hours) for name, hours in moments.items()} | changes


async def planned(chain: Chain, **changes: Any) -> str:
    """Such an alert, sent and carried."""
    identifier, _ = await chain.sent(**await asks(chain, **changes))
    await chain.carry()
    return identifier


def passes(chain: Chain, hours: float) -> None:
    chain.house.store.shift += timedelta(hours=hours)


async def messages(chain: Chain, identifier: str) -> list[Message]:
    async with chain.house.store.reading() as session:
        return await messages_of(session, await find_alert(session, identifier))


async def entries(chain: Chain, action: str) -> list[dict[str, Any]]:
    async with chain.house.store.reading() as session:
        rows = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == action).order_by(AuditEntry.id))
        return [json.loads(body)["detail"] for body in rows]
