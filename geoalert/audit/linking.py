"""Giving committed entries their number and the hash of the entry before.

On PostgreSQL an entry is committed with its action, unlinked, so that two actions never wait for each other; until then
everybody who did anything waited for everybody else's disk. One linker at a time takes what was committed, by
id, and links it. Every process does so twice a second while it is open and once more when it closes, and whoever checks
the chain does so first: a linker that dies leaves its entries to the next one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit.tables import AuditEntry
from geoalert.errors import Outdated
from geoalert.store import Store, canonical
from geoalert.store.copying import asked

log = logging.getLogger(__name__)

GENESIS: Final = "0" * 64
LOCK: Final = 7262  # PostgreSQL advisory lock: one linker at a time, so that numbers have no gaps
AT_ONCE: Final = 1_000  # entries a transaction
EVERY: Final = 0.5  # seconds
PATIENCE: Final = 5.0  # seconds for a look

_LAST: Final = "SELECT number, hash FROM audit WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1"


class Head(NamedTuple):
    """The last linked entry: what the next is linked to."""

    number: int
    hash: str


class Linked(NamedTuple):
    """What an entry consists of once it is linked."""

    number: int
    body: str  # the hashed bytes as they were
    hash: str


async def head(session: AsyncSession) -> Head:
    """The last linked entry; its number and hash are final."""
    return Head(*(await asked(session, _LAST) or (0, GENESIS)))


def link(body: Mapping[str, Any], last: Head) -> Linked:
    """An entry after `last`. The caller keeps everybody else from linking until it commits."""
    number = last.number + 1
    whole = canonical({**body, "number": number, "previous": last.hash})
    return Linked(number, whole.decode(), sha256(whole).hexdigest())


_WAITING: Final = select(AuditEntry.id).where(AuditEntry.number.is_(None)).limit(1)


async def link_all(store: Store) -> int:
    """Links whatever was committed before this call; how many entries it linked itself."""
    count = 0
    while True:
        async with store.looking() as session:  # most looks find nothing: neither the lock nor a transaction for them
            if await session.scalar(_WAITING) is None:
                return count
        async with store.writing() as session:
            count += await _link(session)


async def _link(session: AsyncSession) -> int:
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    # Statements of their own after the lock: they see what the linker before us committed.
    last = await head(session)
    found = await session.scalars(
        select(AuditEntry).where(AuditEntry.number.is_(None)).order_by(AuditEntry.id).limit(AT_ONCE)
    )
    count = 0
    for entry in found:
        entry.number, entry.body, entry.hash = linked = link(json.loads(entry.body), last)
        last = Head(linked.number, linked.hash)
        count += 1
    return count


@dataclass(frozen=True)
class Linker:
    """Links what this and other processes committed, for as long as `keep` runs. On SQLite nothing ever waits."""

    store: Store

    async def keep(self, stopping: asyncio.Event) -> None:
        """Looks twice a second until `stopping` is set."""
        while self.store.dialect != "sqlite" and not stopping.is_set():
            try:
                await asyncio.wait_for(stopping.wait(), EVERY)
            except TimeoutError:
                with suppress(TimeoutError):  # another linker is at it, or hangs: the next look comes soon
                    async with asyncio.timeout(PATIENCE):
                        await self._try(logging.WARNING)

    async def close(self) -> None:
        """One more look, when nothing is done in this process any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                if self.store.dialect != "sqlite":
                    await self._try(logging.DEBUG)  # whoever closes has said what is wrong with the store

    async def _try(self, level: int) -> None:
        try:
            await link_all(self.store)
        except (ProgrammingError, Outdated):
            log.debug("not a store of this schema: whoever works on it is refused elsewhere")
        except Exception as error:  # noqa: BLE001 - a store that is away comes back; it keeps the entries until then
            log.log(level, "entries wait to be linked into the audit: %s", type(error).__name__)
