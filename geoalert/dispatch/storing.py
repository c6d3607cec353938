"""Writing many batches at once, in the releasing transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.tables import Batch
from geoalert.store import next_ids
from geoalert.store.copying import add_rows


async def store_batches(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Adds the batches and returns their ids, in order; they are kept or lost with the transaction."""
    if not rows:
        return []
    ids = await next_ids(session, Batch, len(rows))
    await add_rows(session, Batch, [{"id": id_, **row} for id_, row in zip(ids, rows, strict=True)])
    return ids
