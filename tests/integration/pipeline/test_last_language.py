"""The all-clear is in the language that a person was told in last, in whatever order messages were drafted."""

from __future__ import annotations

from sqlalchemy import select, update

from geoalert.dispatch.tables import Batch
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD
from geoalert.operations.reminders import remind_due
from geoalert.subscribers.codes import LANGUAGE_NAMES, LANGUAGES
from geoalert.subscribers.tables import Subscriber
from tests.integration.pipeline.planned import messages, passes, planned
from tests.workbench import Chain


async def test_an_update_that_was_drafted_before_the_reminder_left_after_it(chain: Chain) -> None:
    person = await chain.settle(language="mr")
    identifier = await planned(chain)
    drafted = await chain.updating(identifier, texts=FLOOD)
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    await chain.carry()
    async with chain.house.store.writing() as session:
        await session.execute(update(Subscriber).where(Subscriber.id == person).values(language=LANGUAGES["en"]))
    await chain.approve(identifier, drafted.content_hash)
    await chain.send(identifier)
    await chain.carry()
    await chain.cancel(identifier, ALL_CLEAR)
    await chain.carry()
    spoken = []
    async with chain.house.store.reading() as session:
        for message in await messages(chain, identifier):
            batches = await session.scalars(select(Batch).where(Batch.message_id == message.id))
            spoken += [(message.msg_type, LANGUAGE_NAMES[batch.language]) for batch in batches]
    assert spoken == [("Alert", "mr"), ("Update", "mr"), ("Update", "en"), ("Cancel", "en")]
