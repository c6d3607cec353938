"""Writing many batches at once, in the releasing transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.tables import Batch
from geoalert.store.copying import add_records, raw_connection
from geoalert.store.meanwhile import meanwhile

# The ids to use, beside no channel, and the last number of each channel of the message: in one question.
LAST: Final = " UNION ALL SELECT channel, max(number) FROM batch WHERE message_id = {message} GROUP BY channel"
POSTGRESQL: Final = (
    "SELECT CAST(NULL AS smallint), nextval('batch_id_seq') FROM generate_series(1, $2::integer)"  # noqa: S608 - ours
    f"{LAST.format(message='$1')}"
)
SQLITE: Final = text(f"SELECT NULL, max(id) + 1 FROM batch{LAST.format(message=':message')}")  # noqa: S608 - ours


class Shared(NamedTuple):
    """What all of the batches that are added together have. The fields are columns of the table."""

    priority: int
    expires: datetime
    joined_at: datetime | None
    look_at: datetime | None
    moved_for: int | None


class NewBatch(NamedTuple):
    """The rest of a batch, without its id and number. The fields are columns of the table."""

    channel: int
    language: int
    provider: str
    not_before: datetime
    size: int
    owner_from: int
    owner_to: int
    recipients: bytes
    outcomes: bytes
    reasons: bytes
    state: str
    parked_for: int


BEGIN: Final = {"lease_generation": 0, "attempts": 0, "risk": False}
NAMES: Final = ("id", "number", "message_id", *BEGIN, *Shared._fields, *NewBatch._fields)


async def store_batches(
    session: AsyncSession, message_id: int, shared: Shared, count: int, made: Callable[[], Sequence[NewBatch]]
) -> list[tuple[int, NewBatch]]:
    """Adds the `count` batches that are made while the store is asked for ids, and returns them, in order, with theirs;
    they are kept or lost with the transaction. By channel their numbers go on from those the message has.

    Raises:
        IntegrityError: a batch breaks a rule of the table.
    """
    if not count:
        return []
    (ids, last), batches = await meanwhile(_free(session, message_id, count), made)
    alike = (message_id, *BEGIN.values(), *shared)
    stored = list(zip(ids, batches, strict=True))
    records: list[tuple[Any, ...]] = []
    for id_, batch in stored:
        last[batch.channel] += 1
        records.append((id_, last[batch.channel], *alike, *batch))
    await add_records(session, Batch, NAMES, records)
    return stored


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
