"""Receipts as gateways send them: late, doubled, out of order, forged, for batches nobody knows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.receipts import SET_ASIDE, Incoming, Intake, fold_receipts, receipts_waiting
from geoalert.dispatch.reference import make_refs, read_ref
from geoalert.dispatch.tables import Batch, ReceiptRow
from geoalert.errors import Forbidden
from geoalert.store.keys import new_keys
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point
from tests.integration.dispatch.conftest import Depot, outcomes
from tests.waiting import until
from tests.workbench import KOTHRUD

SEED = 7
PEOPLE = 600
UNKNOWN = 1_000_000  # no batch has this number
GROUP = 300
STORIES = (  # what a carrier says of one message, and where that ends
    ((Status.ACCEPTED, Status.DELIVERED), Outcome.DELIVERED),
    ((Status.ACCEPTED, Status.FAILED), Outcome.FAILED),
    ((Status.FAILED, Status.DELIVERED), Outcome.DELIVERED),
    ((Status.ACCEPTED,), Outcome.ACCEPTED),
)


def receipt(batch_id: int, position: int, status: Status) -> Incoming:
    reason = Reason.UNREACHABLE if status is Status.FAILED else Reason.NONE
    return Incoming("twilio", batch_id, position, status, status.value, reason)


def told(batches: Sequence[Batch]) -> list[Incoming]:
    """Every recipient's story, in order."""
    return [
        receipt(batch.id, position, status)
        for batch in batches
        for position in range(batch.size)
        for status in STORIES[position % len(STORIES)][0]
    ]


async def fold_all(depot: Depot) -> None:
    while await fold_receipts(depot.chain.house.store, limit=GROUP):
        pass


async def release_to_all(depot: Depot) -> None:
    people = [
        make_person(addresses={"sms": f"+915{number:09d}"}, points=[Point(*KOTHRUD)], consent="test")
        for number in range(PEOPLE)
    ]
    async with depot.chain.house.store.writing() as session:
        await register(session, people, "test")
    for _ in range(2):
        await depot.chain.sent()
    await depot.carry()


async def test_in_any_order_they_end_where_they_would_in_order(depot: Depot) -> None:
    """Two messages to the same people; one hears its receipts in order, the other as they come."""
    await release_to_all(depot)
    batches = await depot.batches()
    first = [batch for batch in batches if batch.message_id == batches[0].message_id]
    second = [batch for batch in batches if batch not in first]
    intake = Intake(depot.chain.house.store)

    for status in Status:
        await asyncio.gather(*(intake.take([one]) for one in told(first) if one.status is status))
        await fold_all(depot)

    strangers = new_keys()
    for position in range(50):  # forged: nothing of it gets as far as the intake
        with pytest.raises(Forbidden):
            read_ref(depot.chain.house.keys, make_refs(strangers, second[0].id, [position])[0])
    chance = random.Random(SEED)  # noqa: S311 - an order to come in
    coming = told(second) * 2
    coming += [receipt(UNKNOWN + number, 0, Status.DELIVERED) for number in range(50)]
    coming += [receipt(second[0].id, second[0].size + number, Status.DELIVERED) for number in range(50)]
    chance.shuffle(coming)
    assert len(coming) > 2_000
    for start in range(0, len(coming), GROUP):
        await asyncio.gather(*(intake.take([one]) for one in coming[start : start + GROUP]))
        await asyncio.gather(fold_all(depot), fold_all(depot))  # two workers at once

    after = {batch.id: batch for batch in await depot.batches()}
    for one, other in zip(first, second, strict=True):
        assert one.recipients == other.recipients
        assert after[one.id].outcomes == after[other.id].outcomes
        assert after[one.id].reasons == after[other.id].reasons
        expected = [STORIES[position % len(STORIES)][1] for position in range(one.size)]
        assert outcomes(after[one.id]) == expected
    async with depot.chain.house.store.reading() as session:
        assert await receipts_waiting(session) == 0
        aside = select(func.count()).select_from(ReceiptRow).where(ReceiptRow.folded == SET_ASIDE)
        assert await session.scalar(aside) == 50


async def test_a_receipt_may_be_faster_than_the_answer(depot: Depot) -> None:
    await depot.settle(1, "sms")
    identifier, _ = await depot.chain.sent()
    batch = await depot.batch()
    store = depot.chain.house.store
    depot.providers.sandbox.mischief.change({"latency_ms": 500.0})
    carrying = asyncio.create_task(depot.carry())

    async def under_way() -> bool:
        return outcomes(await depot.batch()) == [Outcome.SENDING]

    await until(under_way, "the request is under way")
    await Intake(store).take([receipt(batch.id, 0, Status.DELIVERED)])
    await fold_receipts(store)
    assert outcomes(await depot.batch()) == [Outcome.DELIVERED]
    await carrying
    assert outcomes(await depot.batch()) == [Outcome.DELIVERED]
    assert (await depot.chain.report(identifier))["messages"][0]["channels"]["sms"]["delivered"] == 1
