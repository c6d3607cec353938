"""Whether somebody has a store open: what is carried from under a worker would be sent twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import text

from geoalert.errors import Conflict, Invalid
from geoalert.store.sessions import Store

OTHERS: Final = (
    " FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
WHO: Final = text("SELECT count(*), string_agg(DISTINCT nullif(application_name, ''), ', ')" + OTHERS)
CUT_OFF: Final = text("SELECT pg_terminate_backend(pid)" + OTHERS)


def refuse_open_file(path: Path) -> None:
    """Refuses an embedded store that anybody has open, this process too.

    Raises:
        Conflict: somebody has.
        Invalid: it is no store.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as file:
            file.execute("PRAGMA locking_mode = EXCLUSIVE")
            file.execute("BEGIN EXCLUSIVE")
            file.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise Invalid(f"{path} cannot be opened as a store") from None
        raise Conflict(f"{path} is open in another process; stop `geoalert serve` and its worker first") from None
    except sqlite3.DatabaseError:
        raise Invalid(f"{path} is no store") from None


async def refuse_open_database(store: Store) -> None:
    """Refuses a database to which anybody is connected by our role beside the one connection that asks.

    Raises:
        Conflict: names them as the server does.
    """
    async with store.reading() as session:
        count, names = (await session.execute(WHO)).one()
    if count:
        raise Conflict(
            f"the database is open in {count} other connections ({names or 'without a name'});"
            " stop `geoalert serve` and the workers first"
        )
