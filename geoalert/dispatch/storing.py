"""Writing many batches at once, in the releasing transaction, by each driver's own bulk path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.tables import Batch
from geoalert.store import next_ids
from geoalert.store.copying import raw_connection

TABLE: Final = cast("Table", Batch.__table__)


async def store_batches(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Adds the batches and returns their ids, in order; they are kept or lost with the transaction."""
    if not rows:
        return []
    ids = await next_ids(session, Batch, len(rows))
    if session.get_bind().dialect.name == "postgresql":
        names = list(rows[0])
        records = [(id_, *(row[name] for name in names)) for id_, row in zip(ids, rows, strict=True)]
        raw = await raw_connection(session)
        await raw.copy_records_to_table(TABLE.name, records=records, columns=["id", *names])
    else:
        numbered = [{"id": id_, **row} for id_, row in zip(ids, rows, strict=True)]
        await session.execute(insert(TABLE), numbered)
    return ids
