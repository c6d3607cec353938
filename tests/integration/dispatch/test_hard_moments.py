"""Moments between an outage and its end, and between one provider and another, in which people were once forgotten."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from geoalert.dispatch.canary import ask_providers
from geoalert.dispatch.carrier import ANY_MESSAGE
from geoalert.dispatch.channels.channel import Idempotency, SendResult, Verdict
from geoalert.dispatch.expiry import close_expired
from geoalert.dispatch.halts import halt
from geoalert.dispatch.lease import due
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.receipts import fold_receipts
from geoalert.dispatch.tables import Batch, Halt, ProviderHealth, ReceiptRow
from geoalert.store import database_now
from geoalert.subscribers.tables import Address
from tests.integration.dispatch.conftest import Depot
from tests.integration.dispatch.moments import SECOND, ago, known, rounds, stands, told
from tests.integration.dispatch.scripted import TAKEN, Scripted

REFUSED_CREDENTIAL = SendResult(Verdict.MISCONFIGURED, Reason.CREDENTIAL)
REFUSED_TEXT = SendResult(Verdict.REFUSED, Reason.PAYLOAD)
UNCERTAIN, PENDING, ACCEPTED = Outcome.UNCERTAIN, Outcome.PENDING, Outcome.ACCEPTED


ON_TRIAL: dict[str, Any] = {"streak": 3, "opens": 1, "returning_since": ago()}


async def test_a_provider_on_trial_that_answers_a_question_has_passed(depot: Depot) -> None:
    a = Scripted("a")
    courier = await told(depot, 3, a)
    await stands(depot, [UNCERTAIN, UNCERTAIN, PENDING])
    await known(depot, "a", **ON_TRIAL)
    await rounds(depot, courier, 3)
    assert await depot.outcomes() == {ACCEPTED: 3}
    assert sum(a.sent) == 3


async def test_who_waits_is_not_held_up_by_the_trial_of_another(depot: Depot) -> None:
    a, b = Scripted("a"), Scripted("b")
    courier = await told(depot, 20, a, b)
    await stands(depot, [UNCERTAIN] + [PENDING] * 19, provider="b", earlier="a", handed=bytes([1] + [0] * 19))
    await known(depot, "a", **ON_TRIAL, probe_until=lambda now: now + 15 * SECOND)  # somebody tries it
    await rounds(depot, courier)
    assert (sum(b.sent), a.sent) == (19, [])


async def test_a_doubt_is_asked_about_though_another_provider_is_healthier(depot: Depot) -> None:
    a, b = Scripted("a", known=lambda _: TAKEN), Scripted("b")
    courier = await told(depot, 10, a, b)
    await stands(depot, [ACCEPTED] * 5 + [UNCERTAIN] * 5)
    await known(depot, "a", answers=100_000.0, ill=20_000.0)
    await rounds(depot, courier)
    assert await depot.outcomes() == {ACCEPTED: 10}
    assert (a.looked, a.sent, b.sent) == ([5], [], [])


async def test_what_a_provider_answers_outweighs_a_pause(depot: Depot) -> None:
    a, b = Scripted("a", answer=lambda _: REFUSED_CREDENTIAL), Scripted("b", weight=0)
    courier = await told(depot, 30, a, b)
    async with courier.store.writing() as session:
        assert await halt(session, "a", ANY_MESSAGE, Reason.PAUSED, "test", emergencies=False)
    await rounds(depot, courier, 2)
    assert (sum(a.sent), sum(b.sent)) == (5, 30)
    async with courier.store.writing() as session:
        (held,) = await session.scalars(select(Halt))
        assert (held.reason, held.emergencies) == (Reason.CREDENTIAL, True)
        assert not await halt(session, "a", ANY_MESSAGE, Reason.PAUSED, "test", emergencies=True)


async def test_doubts_go_together(depot: Depot) -> None:
    a = Scripted("a", kind=Idempotency.REPLACED)
    courier = await told(depot, 60, a)
    await stands(depot, [UNCERTAIN] * 60)
    await rounds(depot, courier)
    assert await depot.outcomes() == {ACCEPTED: 60}
    assert a.sent == [5, 50, 5]


async def test_a_second_try_that_does_not_leave_says_nothing_of_the_first(depot: Depot) -> None:
    """S002-03: whom the first try may have told is not counted among those who wait."""
    a = Scripted("a", answer=lambda _: SendResult(Verdict.RETRY, Reason.RATE_LIMITED), kind=Idempotency.REPLACED)
    courier = await told(depot, 3, a)
    await stands(depot, [UNCERTAIN, UNCERTAIN, PENDING])
    await rounds(depot, courier)
    assert sum(a.sent)
    assert await depot.outcomes() == {UNCERTAIN: 2, PENDING: 1}


async def test_whom_the_provider_never_had_waits_again(depot: Depot) -> None:
    a = Scripted("a", answer=lambda _: SendResult(Verdict.RETRY, Reason.RATE_LIMITED), known=lambda _: None)
    courier = await told(depot, 3, a)
    await stands(depot, [UNCERTAIN] * 3)
    await rounds(depot, courier)
    assert (a.looked, await depot.outcomes()) == ([3], {PENDING: 3})


async def test_questions_do_not_use_up_the_day(depot: Depot) -> None:
    a = Scripted("a", known=lambda _: SendResult(Verdict.UNCERTAIN, Reason.RATE_LIMITED), daily_cap=50)
    courier = await told(depot, 20, a, severity="Moderate")
    await stands(depot, [UNCERTAIN] * 20)
    await rounds(depot, courier, 3)
    async with courier.store.reading() as session:
        assert (await session.get_one(ProviderHealth, "a")).used == 0


async def test_what_it_thinks_of_us_does_not_keep_a_provider_out_for_ever(depot: Depot) -> None:
    a = Scripted("a", checked=REFUSED_CREDENTIAL)  # its balance may not be read
    courier = await told(depot, 5, a)
    await known(depot, "a", streak=3, opens=1, open_until=ago(1))
    await ask_providers(courier.store, courier.channels.values(), courier.spread)
    await rounds(depot, courier)
    assert await depot.outcomes() == {ACCEPTED: 5}


async def test_a_text_that_everybody_is_refused_for_stops_at_the_first_few(depot: Depot) -> None:
    a = Scripted("a", answer=lambda _: REFUSED_TEXT)
    courier = await told(depot, 120, a)
    await rounds(depot, courier, 2)
    assert await depot.outcomes() == {PENDING: 120}
    assert sum(a.sent) == 5
    assert {(batch.state, batch.parked_for) for batch in await depot.batches()} == {("parked", Reason.PAYLOAD)}


async def test_a_trial_that_nobody_was_sent_on_is_free_again(depot: Depot) -> None:
    a = Scripted("a")
    courier = await told(depot, 5, a)
    async with courier.store.writing() as session:
        first = await session.scalar(select(Address.id).where(Address.channel == 2).order_by(Address.id))
        await session.execute(update(Address).where(Address.id == first).values(state="gone"))
    await known(depot, "a", **ON_TRIAL)
    await rounds(depot, courier, 2)
    assert await depot.outcomes() == {Outcome.SUPPRESSED: 1, ACCEPTED: 4}


async def test_a_full_channel_hides_no_other(depot: Depot) -> None:
    await depot.settle(1, "sms")
    await depot.settle(1, "push")
    await depot.chain.broadcast(channels=("push", "sms"))
    async with depot.chain.house.store.writing() as session:
        rows = {row.channel: row for row in await session.scalars(select(Batch))}
        values = {column.name: getattr(rows[2], column.name) for column in Batch.__table__.columns}
        session.add_all(Batch(**(values | {"id": 1_000 + number, "number": 10 + number})) for number in range(520))
        await session.flush()
        await session.execute(update(Batch).where(Batch.id == rows[1].id).values(id=5_000))
    async with depot.chain.house.store.reading() as session:
        assert {found.channel for found in await due(session, 500)} == {1, 2}


async def test_a_second_try_waits_until_it_can_be_made(depot: Depot) -> None:
    a, b = Scripted("a"), Scripted("b")
    courier = await told(depot, 4, a, b, severity="Moderate")
    doubts = [UNCERTAIN, UNCERTAIN, ACCEPTED, ACCEPTED]
    await stands(depot, doubts, provider="b", earlier="a", handed=bytes([1, 1, 0, 0]), risk=True)
    await known(depot, "a", streak=3, opens=1, open_until=lambda now: now + 20 * SECOND)
    await rounds(depot, courier)
    assert (await depot.batch()).risk
    await depot.change(ProviderHealth, open_until=None, streak=0)
    await rounds(depot, courier)
    assert await depot.outcomes() == {ACCEPTED: 4}
    assert (a.sent, b.sent, (await depot.batch()).risk) == ([2], [], False)


async def test_a_late_no_of_the_first_does_not_undo_the_yes_of_the_second(depot: Depot) -> None:
    a, b = Scripted("a"), Scripted("b")
    courier = await told(depot, 2, a, b)
    await stands(depot, [ACCEPTED, ACCEPTED], provider="b", earlier="a", handed=bytes([1, 0]))
    batch = await depot.batch()
    async with courier.store.writing() as session:
        now = await database_now(session)
        for position in range(2):
            session.add(
                ReceiptRow(
                    provider="a",
                    ref=f"{batch.id}.{position}",
                    status="failed",
                    raw_status="undelivered",
                    reason=Reason.UNREACHABLE,
                    batch_id=batch.id,
                    position=position,
                    at=now,
                    folded=0,
                )
            )
    await fold_receipts(courier.store)
    assert list((await depot.batch()).outcomes) == [Outcome.FAILED, ACCEPTED]


async def test_what_a_dead_worker_held_ends_with_its_message(depot: Depot) -> None:
    courier = await told(depot, 2, Scripted("a"))
    batch = await depot.batch()
    past = batch.not_before - SECOND
    await stands(depot, [Outcome.SENDING, PENDING], state="leased", lease_until=past, expires=past)
    assert await close_expired(courier.store) == 1
    ended = await depot.batch()
    assert (ended.state, list(ended.outcomes)) == ("done", [UNCERTAIN, Outcome.EXPIRED])
