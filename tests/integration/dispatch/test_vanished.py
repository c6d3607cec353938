"""A batch whose message is not there: somebody deleted it behind the store's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import asyncpg

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.operations.demo_story import FLOOD
from tests.integration.dispatch.conftest import Depot, outcomes

DELETED = "DELETE FROM message WHERE id = (SELECT min(id) FROM message)"


async def delete_first_message(depot: Depot) -> None:
    """As somebody does who switches foreign keys off."""
    store = depot.chain.house.store
    if store.dialect == "postgresql":
        connection = await asyncpg.connect(depot.chain.house.settings.store.url)
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(DELETED)
        await connection.close()
        return
    with closing(sqlite3.connect(store.engine.url.database or "")) as file, file:
        file.execute(DELETED)


async def test_a_batch_whose_message_vanished_is_set_aside_and_the_others_go_on(depot: Depot) -> None:
    await depot.settle(3)
    await depot.chain.sent(channels=("push",))
    await depot.chain.sent(channels=("push",), texts=FLOOD)
    await delete_first_message(depot)
    await depot.carry()
    vanished, other = await depot.batches()
    assert (vanished.state, Reason(vanished.parked_for)) == ("parked", Reason.NO_MESSAGE)
    assert set(outcomes(vanished)) == {Outcome.PENDING}
    assert (other.state, set(outcomes(other))) == ("done", {Outcome.ACCEPTED})
    assert depot.seen()[1] == other.size
