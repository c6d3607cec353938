"""One owner of a batch at a time, by the database's clock, fenced by a generation number."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from geoalert.dispatch.outcomes import Outcome, merge_locked
from geoalert.dispatch.plan import Announced
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.store import database_now, read_clock

STAND_BACK: Final = timedelta(seconds=1)  # a routine batch's pause while an emergency waits for the channel

# Made once: a chunk asks for so little that making its statements is much of what they cost.
_ROW: Final = select(Batch).where(Batch.id == bindparam("batch")).with_for_update()
_LOCKED: Final = _ROW.execution_options(populate_existing=True)
# PostgreSQL reads its clock here once it has the row, however long that was waited for.
FOUND: Final = aliased(Batch, _ROW.cte("locked").prefix_with("MATERIALIZED"))
LOCKED_AT: Final = select(FOUND, func.clock_timestamp()).execution_options(populate_existing=True)
AT_WORK: Final = (
    select(Batch.id)
    .where(
        Batch.channel == bindparam("channel"),
        Batch.priority <= bindparam("up_to"),
        or_(
            and_(Batch.state == "queued", Batch.not_before <= bindparam("now")),
            and_(Batch.state == "leased", Batch.lease_until >= bindparam("now")),
        ),
    )
    .limit(1)
)


class Locked(NamedTuple):
    """A batch whose row is locked until the transaction ends, and the database's clock since it is."""

    batch: Batch
    now: datetime


def claim(batch: Batch, owner: str, lease: timedelta, now: datetime) -> int | None:
    """Takes a batch whose row is locked and returns the generation that fences it, or None when it is not to be had:
    done, parked, not due, or another's. What a lost owner left `sending` becomes `uncertain` here, before anything else
    can happen.
    """
    if not _free(batch, now):
        return None
    if batch.state == "leased":
        left = {
            position: (Outcome.UNCERTAIN, Reason.WORKER_LOST)
            for position, outcome in enumerate(batch.outcomes)
            if outcome == Outcome.SENDING
        }
        merge_locked(batch, left)
    batch.state, batch.lease_owner, batch.lease_until = "leased", owner, now + lease
    batch.lease_generation += 1
    batch.attempts += 1
    return batch.lease_generation


def until_due(batch: Batch, now: datetime) -> timedelta | None:
    """How long a batch that waits for its time has to wait, or None when it does not."""
    return max(batch.not_before - now, timedelta(0)) if batch.state == "queued" else None


def _free(batch: Batch, now: datetime) -> bool:
    if batch.state == "queued":
        return batch.not_before <= now
    return batch.state == "leased" and batch.lease_until is not None and batch.lease_until < now


async def locked(session: AsyncSession, batch_id: int) -> Locked | None:
    """The batch, its row locked until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        row = (await session.execute(LOCKED_AT, {"batch": batch_id})).one_or_none()
        return None if row is None else Locked(row[0], read_clock(session, row[1]))
    batch = (await session.scalars(_LOCKED, {"batch": batch_id})).one_or_none()
    return None if batch is None else Locked(batch, await database_now(session))


async def held(session: AsyncSession, batch_id: int, generation: int) -> Locked | None:
    """The batch if it is still ours under this generation, locked; None when another has taken over."""
    found = await locked(session, batch_id)
    return found if found is not None and is_ours(found.batch, generation) else None


def is_ours(batch: Batch, generation: int) -> bool:
    """Whether nobody has taken it over since it was claimed under this generation."""
    return batch.state == "leased" and batch.lease_generation == generation


def give_back(batch: Batch, not_before: datetime) -> None:
    """Queues the batch again."""
    batch.state, batch.not_before = "queued", not_before
    batch.lease_owner = batch.lease_until = None


def finish(batch: Batch) -> None:
    """Nothing more to do with it."""
    batch.state, batch.risk = "done", False
    batch.lease_owner = batch.lease_until = None


def park(batch: Batch, reason: Reason) -> None:
    """Sets it aside until a person acts."""
    batch.state, batch.parked_for = "parked", reason
    batch.lease_owner = batch.lease_until = None


async def due(session: AsyncSession, limit: int, overdue: timedelta = timedelta(0)) -> list[Announced]:
    """Batches that wait for a worker or lost theirs, most urgent first; so many of each channel, that none hides
    another.
    """
    now = await database_now(session)
    order = (Batch.priority, Batch.not_before, Batch.id)
    place = func.row_number().over(partition_by=Batch.channel, order_by=order)
    waiting = (
        select(Batch.id, Batch.priority, Batch.channel, Batch.not_before, place.label("place"))
        .where(
            or_(
                and_(Batch.state == "queued", Batch.not_before <= now - overdue),
                and_(Batch.state == "leased", Batch.lease_until < now),
            )
        )
        .subquery()
    )
    rows = await session.execute(
        select(waiting.c.id, waiting.c.priority, waiting.c.channel)
        .where(waiting.c.place <= limit)
        .order_by(waiting.c.priority, waiting.c.not_before, waiting.c.id)
    )
    return [Announced(id_, priority, channel) for id_, priority, channel in rows]


async def emergency_at_work(session: AsyncSession, channel: int, now: datetime, up_to: int) -> bool:
    """Whether there is a batch of the emergency lane to carry on this channel now, or one is being carried."""
    return await session.scalar(AT_WORK, {"channel": channel, "up_to": up_to, "now": now}) is not None
