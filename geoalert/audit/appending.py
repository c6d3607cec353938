"""Writing down what is being done, in the transaction that does it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit.linking import head, link
from geoalert.audit.tables import AuditEntry
from geoalert.store import canonical, database_now
from geoalert.store.copying import add_rows


async def append(session: AsyncSession, actor: str, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Adds one entry in the caller's transaction: it is there if and only if the action is. `detail` holds no phone,
    token or location.

    Takes no lock and waits for nobody; on PostgreSQL the entry is linked into the chain after the commit
    (`audit.linking`), on SQLite, which has one writer at a time, here.
    """
    body = {
        "at": (await database_now(session)).isoformat(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
    }
    await session.flush()  # what the caller has changed goes before what is said of it
    row: dict[str, Any] = {"action": action, "subject": subject}
    if session.get_bind().dialect.name == "postgresql":
        row |= {"number": None, "body": canonical(body).decode(), "hash": None}
    else:
        row |= link(body, await head(session))._asdict()
    await add_rows(session, AuditEntry, [row])
