"""One person's entries among a message's batches, found by whom each batch spans."""

from __future__ import annotations

import numpy as np

from geoalert.alerts import find_alert, messages_of
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import plan_batches
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.standing import standings
from geoalert.store import database_now
from tests.workbench import Chain


async def test_who_only_lies_between_two_others_is_nobody(chain: Chain) -> None:
    identifier = await chain.approved()
    await chain.send(identifier, confirm_empty=True)
    async with chain.house.store.writing() as session:
        (message,) = await messages_of(session, await find_alert(session, identifier))
        owners = np.array([256, 512, 70_000], dtype=np.int64)
        recipients = Recipients.of(owners, np.full(3, 1), np.array([3, 3, 2]))
        await plan_batches(session, message, recipients, chain.house.desk.routes, await database_now(session))
    async with chain.house.store.reading() as session:
        assert [await standings(session, [message.id], owner) for owner in (1, 257, 511, 513, 70_001)] == [[]] * 5
        found = [await standings(session, [message.id], owner) for owner in owners.tolist()]
    assert [[(entry.language, entry.outcome) for entry in one] for one in found] == [
        [(3, Outcome.PENDING)],
        [(3, Outcome.PENDING)],
        [(2, Outcome.PENDING)],
    ]
