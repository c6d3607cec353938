"""Which schema a store is of, held fast for as long as a transaction writes by it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from geoalert.errors import Outdated

LOCK: Final = 7261  # PostgreSQL advisory lock: shared by whoever writes, alone for whoever upgrades
OTHER: Final = "GA001"  # the SQLSTATE by which PostgreSQL tells us
FOUND: Final = text("SELECT version_num FROM alembic_version")
# The lock first and then a statement of its own, which sees what an upgrade that held the lock has committed; both in
# one way to the server, for every writing transaction goes it.
HELD: Final = (
    "DO $$ DECLARE found text; BEGIN PERFORM pg_advisory_xact_lock_shared({lock});"
    " SELECT version_num INTO found FROM alembic_version;"
    " IF found IS DISTINCT FROM '{revision}' THEN"
    " RAISE EXCEPTION USING ERRCODE = '{other}', MESSAGE = coalesce(found, 'none'); END IF;"
    " END $$"
)


async def found_in(connection: AsyncConnection | AsyncSession) -> str:
    """The revision of a store that has one."""
    return str((await connection.execute(FOUND)).scalar_one())


async def hold(session: AsyncSession, revision: str) -> None:
    """Keeps the store at this revision until the session's transaction ends. On SQLite the caller holds the one write
    transaction, which an upgrade needs, too.

    Raises:
        Outdated: it is at another one.
    """
    if session.get_bind().dialect.name == "sqlite":
        found = await found_in(session)
        if found != revision:
            raise moved(found, revision)
        return
    if not revision.isalnum():
        msg = "a revision is letters and digits"
        raise ValueError(msg)
    try:
        await (await session.connection()).exec_driver_sql(HELD.format(lock=LOCK, revision=revision, other=OTHER))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != OTHER:
            raise
        raise moved(str(error.orig).rpartition(" ")[2], revision) from None


def moved(found: str, revision: str) -> Outdated:
    """What to say when a store was brought to another schema under a program that has it open."""
    return Outdated(
        f"the store was brought to schema {found} while this program, of {revision}, had it open;"
        " start the program that belongs to the store"
    )
