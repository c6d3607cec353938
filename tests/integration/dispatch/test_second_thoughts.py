"""People change their minds between release and send: every chunk looks again."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select, update

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.store import Base
from geoalert.subscribers import erase
from geoalert.subscribers.tables import Address, Subscriber
from tests.integration.dispatch.conftest import Depot, outcomes, reasons

CHANGES: dict[str, tuple[type[Base], dict[str, Any], Reason]] = {
    "stopped": (Address, {"state": "stopped"}, Reason.OPTED_OUT),
    "gone": (Address, {"state": "gone"}, Reason.ADDRESS_GONE),
    "consent withdrawn": (Subscriber, {"consent": 0}, Reason.OPTED_OUT),
    "paused": (Subscriber, {"state": "paused"}, Reason.OPTED_OUT),
}
HEEDED_IN_A_DISASTER = ("stopped", "gone", "paused")


async def test_each_change_of_mind_is_heeded(depot: Depot) -> None:
    """A disaster asks for no consent; a STOP stands against it, too."""
    people = await depot.settle(len(CHANGES) + 1)
    await depot.chain.sent()
    await depot.chain.broadcast()
    async with depot.chain.house.store.writing() as session:
        for person, (table, values, _) in zip(people, CHANGES.values(), strict=False):
            theirs = (Subscriber.id if table is Subscriber else Address.owner_id) == person
            await session.execute(update(table).where(theirs).values(**values))
    for _ in range(2):  # the first time, routine stands back for the emergency
        await depot.carry()
        await depot.later()
    for batch, heeded in zip(await depot.batches(), (CHANGES, HEEDED_IN_A_DISASTER), strict=True):
        assert batch.state == "done"
        assert Counter(outcomes(batch)) == {
            Outcome.SUPPRESSED: len(heeded),
            Outcome.ACCEPTED: len(people) - len(heeded),
        }
        assert Counter(code for code in batch.reasons if code) == Counter(CHANGES[name][2] for name in heeded)
    assert depot.seen()[1:] == (2, 0)


async def test_an_erased_person_is_not_told(depot: Depot) -> None:
    (person,) = await depot.settle(1, "sms")
    identifier, _ = await depot.chain.broadcast()
    async with depot.chain.house.store.writing() as session:
        reference = (await session.scalars(select(Subscriber.reference).where(Subscriber.id == person))).one()
        await erase(session, reference, "test")
    await depot.carry()
    batch = await depot.batch()
    assert (outcomes(batch), reasons(batch)) == ([Outcome.SUPPRESSED], {Reason.ADDRESS_GONE})
    assert depot.seen("sms")[0] == 0
    assert (await depot.chain.report(identifier))["balanced"]


async def test_a_stop_the_provider_knows_of_is_remembered(depot: Depot) -> None:
    """Twilio answers 21610 for a number that replied STOP."""
    (person,) = await depot.settle(1, "sms")
    body = '{"code": 21610, "status": 400}'
    depot.spoil("twilio", "status", status=400, body=body, headers={"Content-Type": "application/json"})
    await depot.chain.sent()
    await depot.carry()
    batch = await depot.batch()
    assert (outcomes(batch), reasons(batch)) == ([Outcome.FAILED], {Reason.STOPPED})
    async with depot.chain.house.store.reading() as session:
        mine = select(Address.state).where(Address.owner_kind == "subscriber", Address.owner_id == person)
        assert (await session.scalars(mine)).all() == ["stopped"]
