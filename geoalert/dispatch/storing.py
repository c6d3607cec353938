"""Writing many batches at once, in the releasing transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.tables import Batch, id_of
from geoalert.store.copying import add_made


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
    session: AsyncSession,
    message_id: int,
    shared: Shared,
    count: int,
    made: Callable[[], Sequence[NewBatch]],
    *,
    first: bool = False,
) -> list[tuple[int, NewBatch]]:
    """Adds the `count` batches that are made while the store gets ready for them, and returns them, in order, with
    their ids; they are kept or lost with the transaction. Their numbers go on from those the message has; where they
    are its `first`, it need not be asked about any.

    Raises:
        IntegrityError: a batch breaks a rule of the table, or they are not the first.
    """
    if not count:
        return []
    last = 0 if first else await _last(session, message_id)
    alike = (message_id, *BEGIN.values(), *shared)
    stored: list[tuple[int, NewBatch]] = []

    def records() -> list[tuple[Any, ...]]:
        numbers = range(last + 1, last + count + 1)
        stored.extend((id_of(message_id, number), batch) for number, batch in zip(numbers, made(), strict=True))
        return [(id_, number, *alike, *batch) for number, (id_, batch) in enumerate(stored, last + 1)]

    await add_made(session, Batch, NAMES, count, records)
    return stored


async def _last(session: AsyncSession, message_id: int) -> int:
    query = select(func.coalesce(func.max(Batch.number), 0)).where(Batch.message_id == message_id)
    return (await session.execute(query)).scalar_one()
