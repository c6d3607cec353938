"""What became of a batch's recipients takes few bytes in the store where it is the same for all, and is kept whole."""

from __future__ import annotations

from sqlalchemy import LargeBinary, select, type_coerce

from geoalert.bootstrap import metadata, migration_scripts
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.store import Store
from geoalert.store.migrations import upgrade
from tests.downgrade import back_to
from tests.workbench import Chain

SIZE = 300


async def held(store: Store) -> list[tuple[bytes, bytes]]:
    """As it stands in the store, by batch."""
    raw = select(type_coerce(Batch.outcomes, LargeBinary), type_coerce(Batch.reasons, LargeBinary))
    async with store.reading() as session:
        return [(bytes(outcomes), bytes(reasons)) for outcomes, reasons in await session.execute(raw)]


async def codes(store: Store) -> list[tuple[bytes, bytes]]:
    """As it is read."""
    async with store.reading() as session:
        rows = await session.execute(select(Batch.outcomes, Batch.reasons))
        return [(outcomes, reasons) for outcomes, reasons in rows]


async def test_what_is_alike_is_short_until_it_differs_and_again_once_it_does_not(chain: Chain) -> None:
    for _ in range(SIZE):
        await chain.settle()
    await chain.sent()
    store = chain.house.store
    size = [len(outcomes) for outcomes, _ in await codes(store)]
    assert sum(size) == SIZE
    assert max(len(part) for row in await held(store) for part in row) == 6, "planned, and nothing came of it yet"
    async with store.reading() as session:
        ids = list(await session.scalars(select(Batch.id)))

    async def merge(outcome: Outcome, reason: Reason, positions: slice) -> None:
        async with store.writing() as session:
            for id_, count in zip(ids, size, strict=True):
                await merge_outcomes(session, id_, dict.fromkeys(range(count)[positions], (outcome, reason)))

    await merge(Outcome.SENDING, Reason.NONE, slice(None))
    await merge(Outcome.FAILED, Reason.UNREACHABLE, slice(0, 2))
    parts = zip(await held(store), size, strict=True)
    assert all((len(outcomes), len(reasons)) == (count, count) for (outcomes, reasons), count in parts)
    before = await codes(store)
    assert before == [
        (
            bytes([Outcome.FAILED] * 2 + [Outcome.SENDING] * (count - 2)),
            bytes([Reason.UNREACHABLE] * 2 + [Reason.NONE] * (count - 2)),
        )
        for count in size
    ]
    await merge(Outcome.ACCEPTED, Reason.NONE, slice(2, None))
    await merge(Outcome.DELIVERED, Reason.NONE, slice(None))
    assert await codes(store) == [(bytes([Outcome.DELIVERED]) * count, bytes(count)) for count in size]
    assert max(len(part) for row in await held(store) for part in row) == 6


async def test_an_older_program_finds_a_byte_each(chain: Chain) -> None:
    for _ in range(SIZE):
        await chain.settle()
    await chain.sent()
    store = chain.house.store
    before = await codes(store)
    await back_to(store, "0013")
    assert await held(store) == before
    await upgrade(store, migration_scripts(), metadata())
    assert await codes(store) == before
