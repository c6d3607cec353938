"""An address that a receipt proves dead is not used again; one that the receipt does not speak of stays."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.reasons import Reason
from geoalert.subscribers.tables import Address
from tests.changes import add_sms, set_addresses
from tests.integration.pipeline.followed import say
from tests.workbench import Chain


async def test_a_receipt_that_proves_an_address_dead_retires_it(chain: Chain) -> None:
    dead, renewed, stays = [await chain.settle(channels=("sms",)) for _ in range(3)]
    await chain.sent()
    await chain.carry()
    chain.house.store.shift += timedelta(minutes=1)
    await set_addresses(chain.house, renewed, "gone")
    await add_sms(chain.house, renewed)  # since it was handed over
    for person in (dead, renewed):
        await say(chain, person, Status.FAILED, channel="sms", reason=Reason.INVALID_ADDRESS)
    await say(chain, stays, Status.FAILED, channel="sms", reason=Reason.UNREACHABLE)
    async with chain.house.store.reading() as session:
        people = (Address.owner_kind == "subscriber") & (Address.state == "active")
        assert set(await session.scalars(select(Address.owner_id).where(people))) == {renewed, stays}


async def test_a_receipt_that_came_after_it_arrived_retires_nothing(chain: Chain) -> None:
    person = await chain.settle(channels=("sms",))
    await chain.sent()
    await chain.carry()
    await say(chain, person, Status.DELIVERED, channel="sms")
    await say(chain, person, Status.FAILED, channel="sms", reason=Reason.INVALID_ADDRESS)
    async with chain.house.store.reading() as session:
        theirs = (Address.owner_kind == "subscriber") & (Address.owner_id == person)
        assert (await session.scalars(select(Address.state).where(theirs))).all() == ["active"]
