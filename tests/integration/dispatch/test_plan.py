"""Batches as they are planned: who leaves alike stands together, however many hours people keep quiet."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import find_alert, messages_of
from geoalert.alerts.tables import Message
from geoalert.dispatch.plan import Route, plan_batches, recipients_of
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.tables import Batch, id_of
from geoalert.store import database_now
from geoalert.subscribers.codes import CHANNELS, LANGUAGES
from tests.workbench import Chain

MINUTES = 24 * 60  # as many ends of quiet hours as people can wish for
PEOPLE = 2 * MINUTES
ACCOUNTS = 6
ROUTES = {CHANNELS[name]: Route(name, PEOPLE) for name in ("push", "sms", "post")}  # a batch takes all who are alike
MOST = 100 << 20  # bytes; a number set aside for whatever a byte can hold took a megabyte for each end


async def test_every_minute_may_end_somebodys_quiet_hours(chain: Chain) -> None:
    identifier = await chain.approved()
    await chain.send(identifier, confirm_empty=True)
    async with chain.house.store.writing() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        now = await database_now(session)
        first = int(now.timestamp()) + 60
        people, accounts = np.arange(1, PEOPLE + 1), np.arange(-ACCOUNTS, 0)
        recipients = Recipients.of(
            np.concatenate([accounts, people]),
            np.concatenate([np.full(ACCOUNTS, CHANNELS["post"]), 1 + people // MINUTES % 2]),
            np.concatenate([1 + accounts % len(LANGUAGES), 1 + people % len(LANGUAGES)]),
            hold=np.concatenate([np.zeros(ACCOUNTS, dtype=np.int64), first + 60 * (people % MINUTES)]),
            waits=np.concatenate([accounts < -2, np.zeros(PEOPLE, dtype=bool)]),
        )
        tracemalloc.start()
        try:
            await plan_batches(session, message, recipients, ROUTES, now)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MOST
    alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
    columns = recipients.hold, recipients.channel, recipients.language, recipients.waits, recipients.owner
    for *how, owner in zip(*(column.tolist() for column in columns), strict=True):
        alike[tuple(how)].append(owner)
    async with chain.house.store.reading() as session:
        batches = list(await session.scalars(select(Batch).order_by(Batch.id)))
    found = [(batch.not_before, batch.channel, batch.language, recipients_of(batch)) for batch in batches]
    assert len(found) > PEOPLE // 2
    assert found == [
        (datetime.fromtimestamp(hold, UTC) if hold else now, channel, language, owners)
        for (hold, channel, language, _), owners in sorted(alike.items())
    ]


@pytest.mark.parametrize(
    ("people", "sizes"),
    [(250, [250]), (600, [250, 250, 100]), (4_000, [500] * 8), (9_500, [1_000] * 9 + [500])],
    ids=str,
)
async def test_a_few_thousand_are_dealt_out_among_workers(chain: Chain, people: int, sizes: list[int]) -> None:
    identifier = await chain.approved()
    await chain.send(identifier, confirm_empty=True)
    push, owners = CHANNELS["push"], np.arange(1, people + 1)
    async with chain.house.store.writing() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        recipients = Recipients.of(owners, np.full(people, push), np.full(people, LANGUAGES["mr"]))
        await plan_batches(session, message, recipients, {push: Route("fcm", 1_000)}, await database_now(session))
        batches = list(await session.scalars(select(Batch).order_by(Batch.number)))
    assert [batch.size for batch in batches] == sizes
    assert [owner for batch in batches for owner in recipients_of(batch)] == owners.tolist()


FEW, MANY = (
    [3, 2],
    [30, 20],
)  # people by channel, one in a batch: rows that go by INSERT, and by COPY where there is one


@pytest.mark.parametrize("people", [FEW, MANY], ids=str)
async def test_batches_are_named_after_their_message(chain: Chain, people: list[int]) -> None:
    for _ in range(2):  # the second message's are no different for the first one's
        message = await empty_release(chain)
        async with chain.house.store.writing() as session:
            await plan_one_by_one(session, message, people, first=True)
        async with chain.house.store.writing() as session:
            await plan_one_by_one(session, message, people)
            batches = list(
                await session.scalars(select(Batch).where(Batch.message_id == message.id).order_by(Batch.id))
            )
        numbers = list(range(1, 2 * sum(people) + 1))
        assert [batch.number for batch in batches] == numbers
        assert [batch.id for batch in batches] == [id_of(message.id, number) for number in numbers]
        for channel, count in zip(BOTH, people, strict=True):
            owners = [recipients_of(batch) for batch in batches if batch.channel == channel]
            assert owners == [[owner] for owner in range(1, count + 1)] * 2


@pytest.mark.parametrize("people", [FEW, MANY], ids=str)
async def test_nothing_is_first_twice(chain: Chain, people: list[int]) -> None:
    message = await empty_release(chain)
    async with chain.house.store.writing() as session:
        await plan_one_by_one(session, message, people, first=True)
    with pytest.raises(IntegrityError):
        async with chain.house.store.writing() as session:
            await plan_one_by_one(session, message, people, first=True)
    async with chain.house.store.reading() as session:
        assert len(list(await session.scalars(select(Batch.id)))) == sum(people)


BOTH = [CHANNELS["push"], CHANNELS["sms"]]


async def empty_release(chain: Chain) -> Message:
    """A message that went to nobody."""
    identifier = await chain.approved()
    await chain.send(identifier, confirm_empty=True)
    async with chain.house.store.reading() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        return message


async def plan_one_by_one(session: AsyncSession, message: Message, people: list[int], *, first: bool = False) -> None:
    """Batches of one, for so many people on each of two channels."""
    recipients = Recipients.of(
        np.concatenate([np.arange(1, count + 1) for count in people]),
        np.repeat(BOTH, people),
        np.full(sum(people), LANGUAGES["mr"]),
    )
    routes = {channel: Route("any", 1) for channel in BOTH}
    await plan_batches(session, message, recipients, routes, await database_now(session), first=first)
