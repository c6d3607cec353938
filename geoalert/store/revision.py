"""Which schema a store is of, held fast for as long as a transaction writes by it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from geoalert.errors import Outdated
from geoalert.store.begun import BEGIN, SAID
from geoalert.store.copying import asked

LOCK: Final = 7261  # PostgreSQL advisory lock: shared by whoever writes, alone for whoever upgrades
FOUND: Final = "SELECT CASE WHEN count(*) = 1 THEN min(version_num) END FROM alembic_version"
NONE: Final = "none"  # of a store that was taken back to before the first revision, or has several
# In one message with BEGIN, for every transaction that writes says it. The lock first and then a statement of its own,
# which sees what an upgrade that held the lock has committed.
HOLDING: Final = (
    f"{BEGIN}; SELECT pg_advisory_xact_lock_shared({LOCK});"  # noqa: S608 - a revision is letters and digits
    " SELECT FROM alembic_version WHERE version_num = '{revision}'"
)
HELD: Final = "SELECT 1"  # what PostgreSQL then says: one row


def holding(revision: str) -> str:
    """What begins a transaction on PostgreSQL that `hold` then finds held.

    Raises:
        ValueError: this is no revision.
    """
    if not revision.isalnum():
        msg = "a revision is letters and digits"
        raise ValueError(msg)
    return HOLDING.format(revision=revision)


async def found_in(connection: AsyncConnection | AsyncSession) -> str:
    """The revision of a store, or `NONE`."""
    return str((await connection.execute(text(FOUND))).scalar_one_or_none() or NONE)


async def hold(session: AsyncSession, revision: str) -> None:
    """Keeps the store at this revision until the session's transaction ends. On PostgreSQL the transaction must have
    begun by `holding`; on SQLite the caller holds the one write transaction, which an upgrade needs, too.

    Raises:
        Outdated: it is at another one.
    """
    if session.get_bind().dialect.name == "postgresql" and (await session.connection()).info[SAID] == HELD:
        return
    (found,) = await asked(session, FOUND)
    if found != revision:
        raise moved(found or NONE, revision)


def moved(found: str, revision: str) -> Outdated:
    """What to say when a store was brought to another schema under a program that has it open."""
    return Outdated(
        f"the store was brought to schema {found} while this program, of {revision}, had it open;"
        " start the program that belongs to the store"
    )
