"""A store of before reminders, brought up to date and back."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import select, text

from geoalert.alerts.tables import Message
from geoalert.bootstrap import metadata, migration_scripts
from geoalert.operations.reminders import remind_due
from geoalert.store import database_now
from geoalert.store.migrations import differences, upgrade
from tests.downgrade import back_to
from tests.workbench import Chain


async def test_messages_outlive_the_columns_and_none_older_reminds(chain: Chain) -> None:
    store = chain.house.store
    async with store.reading() as session:
        remind_at = await database_now(session) + timedelta(hours=2)
    await chain.settle()
    await chain.sent(remind_at=remind_at)
    await back_to(store, "0010")
    async with store.reading() as session:
        (row,) = (await session.execute(text("SELECT * FROM message"))).mappings()
    assert not {"remind_at", "reminded_at", "reminder_left_out"} & set(row)
    await upgrade(store, migration_scripts(), metadata())
    assert await differences(store, metadata()) == []
    store.shift += timedelta(hours=2)
    assert await remind_due(chain.house.desk) == 0
    async with store.reading() as session:
        message = (await session.scalars(select(Message))).one()
    assert (message.content_hash, message.state, message.remind_at) == (row["content_hash"], "released", None)
    assert json.loads(message.content)["remind_at"] == remind_at.isoformat()
