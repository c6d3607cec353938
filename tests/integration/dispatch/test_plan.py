"""Batches as they are planned: who leaves alike stands together, however many hours people keep quiet."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import select

from geoalert.alerts import find_alert, messages_of
from geoalert.dispatch.plan import Route, plan_batches, recipients_of
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.tables import Batch
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
