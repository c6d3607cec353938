"""Numbers for rows that are written in bulk and refer to each other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.store.base import Base
from geoalert.store.copying import asked

IDS_A_QUERY: Final = 5_000  # SQLite takes 32,766 parameters


async def next_ids(session: AsyncSession, model: type[Base], count: int) -> list[int]:
    """`count` unused ids, ascending; on SQLite safe because the caller holds the one write transaction."""
    if session.get_bind().dialect.name == "postgresql":
        found = await session.scalars(
            # OFFSET 0: the sequence is looked for once and not for every number.
            text(
                "SELECT nextval(its.sequence) FROM generate_series(1, :count),"
                " (SELECT CAST(pg_get_serial_sequence(:name, 'id') AS regclass) AS sequence OFFSET 0) AS its"
            ),
            {"name": model.__tablename__, "count": count},
        )
        return list(found)
    (last,) = await asked(session, f"SELECT coalesce(max(id), 0) FROM {model.__tablename__}")  # noqa: S608 - a model's
    return list(range(last + 1, last + 1 + count))
