"""Receipts: kept first, understood later. Late, doubled and reordered are normal; states move forward only."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.handed import provider_of
from geoalert.dispatch.outcomes import Change, Outcome, merge_outcomes
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.retired import GONE, retire
from geoalert.dispatch.tables import Batch, ReceiptRow
from geoalert.store import Store, database_now, insert_for

OUTCOME: Final = MappingProxyType(
    {
        Status.ACCEPTED.value: Outcome.ACCEPTED,
        Status.FAILED.value: Outcome.FAILED,
        Status.DELIVERED.value: Outcome.DELIVERED,
    }
)
ORDER: Final = tuple(OUTCOME)  # folded in this order, so that a group arrives as if it had come in order
FOLDED, SET_ASIDE = 1, 2
GROUP = 1_000
LINGER = 0.01  # seconds a receipt waits for others to share its commit
PATIENCE = (
    30.0  # seconds after which a store that says nothing is not waited for: who brought a receipt brings it again
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A receipt whose signature was checked; `batch_id` and `position` come from our own reference."""

    provider: str
    batch_id: int
    position: int
    status: Status
    raw_status: str
    reason: Reason = Reason.NONE


@dataclass
class Intake:
    """Keeps receipts, many to a commit; `take` returns after the commit, so an answer of 200 means it is durable."""

    store: Store
    _waiting: list[tuple[Sequence[Incoming], asyncio.Future[None]]] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None

    async def take(self, receipts: Sequence[Incoming]) -> None:
        """Stores the receipts; repeats change nothing."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((receipts, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(LINGER)
            group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._store(group)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of any failure
                for _, done in group:
                    if not done.done():  # whoever waited may have gone
                        done.set_exception(error)
                continue
            for _, done in group:
                if not done.done():
                    done.set_result(None)

    async def _store(self, group: Sequence[tuple[Sequence[Incoming], asyncio.Future[None]]]) -> None:
        async with self.store.writing() as session:
            now = await database_now(session)
            rows: list[dict[str, Any]] = [
                {
                    "provider": receipt.provider,
                    "ref": f"{receipt.batch_id}.{receipt.position}",
                    "status": receipt.status.value,
                    "raw_status": receipt.raw_status[:40],
                    "reason": receipt.reason,
                    "batch_id": receipt.batch_id,
                    "position": receipt.position,
                    "at": now,
                    "folded": 0,
                }
                for receipts, _ in group
                for receipt in receipts
            ]
            if rows:
                await session.execute(insert_for(session)(ReceiptRow).on_conflict_do_nothing(), rows)


async def receipts_waiting(session: AsyncSession) -> int:
    """How many receipts are kept but not yet folded."""
    waiting = await session.scalar(select(func.count()).select_from(ReceiptRow).where(ReceiptRow.folded == 0))
    return waiting or 0


_ANY: Final = select(ReceiptRow.id).where(ReceiptRow.folded == 0).limit(1)


async def fold_receipts(store: Store, limit: int = 2_000) -> int:
    """Merges waiting receipts into their batches, and retires addresses they prove dead; returns how many were taken.
    Those of unknown batches are set aside.
    """
    async with store.looking() as session:  # several times a second: without a transaction while there is nothing
        if await session.scalar(_ANY) is None:
            return 0
    async with store.writing() as session:
        waiting = list(
            await session.scalars(
                select(ReceiptRow)
                .where(ReceiptRow.folded == 0)
                .order_by(ReceiptRow.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        )
        if not waiting:
            return 0
        by_batch: dict[int, list[ReceiptRow]] = defaultdict(list)
        for row in waiting:
            by_batch[row.batch_id].append(row)
        known = set(await session.scalars(select(Batch.id).where(Batch.id.in_(list(by_batch)))))
        moved = await _moved(session, known)
        retired: dict[int, set[int]] = {}
        for batch_id in sorted(known):
            rows = by_batch[batch_id]
            for status in ORDER:
                changes: dict[int, Change] = {
                    row.position: (OUTCOME[status], Reason(row.reason))
                    for row in rows
                    if row.status == status and not _of_another(row, moved.get(batch_id))
                }
                if changes:
                    await merge_outcomes(session, batch_id, changes)
            if dead := {row.position for row in rows if row.status == Status.FAILED.value and row.reason in GONE}:
                retired[batch_id] = dead
        await retire(session, retired)  # after every batch is locked: addresses come last, for everybody
        for folded, ids in (
            (FOLDED, [row.id for row in waiting if row.batch_id in known]),
            (SET_ASIDE, [row.id for row in waiting if row.batch_id not in known]),
        ):
            if ids:
                await session.execute(update(ReceiptRow).where(ReceiptRow.id.in_(ids)).values(folded=folded))
    return len(waiting)


async def _moved(session: AsyncSession, ids: set[int]) -> dict[int, Batch]:
    """Those of these batches that more than one provider has carried."""
    rows = await session.scalars(select(Batch).where(Batch.id.in_(ids), Batch.handed.is_not(None)))
    return {batch.id: batch for batch in rows}


def _of_another(row: ReceiptRow, batch: Batch | None) -> bool:
    """Whether a provider says that it failed with somebody whom another has had since: that one's word counts."""
    return (
        batch is not None
        and row.status == Status.FAILED.value
        and 0 <= row.position < batch.size
        and provider_of(batch, row.position) != row.provider
    )
