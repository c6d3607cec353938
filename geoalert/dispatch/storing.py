"""Writing many batches at once, in the releasing transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.tables import Batch
from geoalert.store.copying import add_rows, raw_connection

# The ids to use, beside no channel, and the last number of each channel of the message: in one question.
LAST: Final = " UNION ALL SELECT channel, max(number) FROM batch WHERE message_id = {message} GROUP BY channel"
POSTGRESQL: Final = (
    "SELECT CAST(NULL AS smallint), nextval(its.sequence) FROM generate_series(1, $2::integer),"  # noqa: S608 - ours
    # OFFSET 0: looked for once and not for every number.
    " (SELECT CAST(pg_get_serial_sequence('batch', 'id') AS regclass) AS sequence OFFSET 0) AS its"
    f"{LAST.format(message='$1')}"
)
SQLITE: Final = text(f"SELECT NULL, max(id) + 1 FROM batch{LAST.format(message=':message')}")  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch without its id and number. The fields are columns of the table."""

    channel: int
    language: int
    provider: str
    priority: int
    not_before: datetime
    expires: datetime
    size: int
    recipients: bytes
    outcomes: bytes
    reasons: bytes
    state: str
    parked_for: int
    joined_at: datetime | None
    look_at: datetime | None
    moved_for: int | None


NAMES: Final = tuple(NewBatch.__dataclass_fields__)


async def store_batches(session: AsyncSession, message_id: int, batches: Sequence[NewBatch]) -> list[int]:
    """Adds the batches and returns their ids, in order; they are kept or lost with the transaction. By channel their
    numbers go on from those the message has.

    Raises:
        IntegrityError: a batch breaks a rule of the table.
    """
    if not batches:
        return []
    ids, last = await _free(session, message_id, len(batches))
    shared = {"message_id": message_id, "lease_generation": 0, "attempts": 0, "risk": False}
    rows: list[dict[str, Any]] = []
    for id_, batch in zip(ids, batches, strict=True):
        last[batch.channel] += 1
        row = {name: getattr(batch, name) for name in NAMES}
        rows.append({"id": id_, "number": last[batch.channel], **shared, **row})
    await add_rows(session, Batch, rows)
    return ids


async def _free(session: AsyncSession, message_id: int, count: int) -> tuple[list[int], Counter[int]]:
    """Unused ids, ascending, and by channel the last number that is taken."""
    if session.get_bind().dialect.name == "postgresql":
        raw = await raw_connection(session)
        found = [tuple(row) for row in await raw.fetch(POSTGRESQL, message_id, count)]
        ids = [number for channel, number in found if channel is None]
    else:
        # The caller holds the one write transaction.
        found = [tuple(row) for row in await session.execute(SQLITE, {"message": message_id})]
        first = next(number or 1 for channel, number in found if channel is None)
        ids = list(range(first, first + count))
    return ids, Counter({channel: number for channel, number in found if channel is not None})
