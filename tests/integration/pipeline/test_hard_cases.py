"""An address that is freed, unreadable or without a provider; an alert that is parked, updated, published or ended at
the wrong moment; one person in two roles: none of it may tell, miss or empower the wrong person.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from geoalert.alerts import approve, draft, find_alert, newest, read_content, submit, withdraw
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House
from geoalert.departments import find_department
from geoalert.dispatch.expiry import close_expired
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.errors import Conflict, Forbidden
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.follow_up import draft_update, publish
from geoalert.operations.release import release
from geoalert.store import database_now
from geoalert.subscribers import erase
from geoalert.subscribers.accounts import add_account
from geoalert.subscribers.codes import CHANNELS
from geoalert.subscribers.tables import Address, Subscriber
from tests.conftest import Providers
from tests.workbench import DISASTER, HADAPSAR, WATER_SUPPLY, Chain


async def batches(house: House) -> list[Batch]:
    async with house.store.reading() as session:
        return list(await session.scalars(select(Batch).order_by(Batch.id)))


def without(house: House, channel: str) -> House:
    """The house of a city that has no provider for this channel."""
    routes = {code: route for code, route in house.desk.routes.items() if code != CHANNELS[channel]}
    return replace(house, desk=replace(house.desk, routes=routes))


async def test_a_freed_address_number_never_names_a_stranger(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    leaver = await chain.settle()
    await chain.sent()
    async with chain.house.store.writing() as session:
        person = await session.get_one(Subscriber, leaver)
        await erase(session, person.reference, "test")
    await chain.settle(at=HADAPSAR)  # would take the freed number
    await chain.carry()
    assert providers.sandbox.channels()["push"]["recipients"] == 1
    (batch,) = await batches(chain.house)
    assert sorted(batch.outcomes) == [Outcome.ACCEPTED, Outcome.SUPPRESSED]


@pytest.mark.requirement("S002-03")
async def test_a_channel_without_provider_is_parked_and_shown_not_dropped(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    await chain.settle(channels=("sms",))
    whole = chain.house
    chain.house = without(whole, "sms")
    identifier, released = await chain.sent()
    assert released.people == 2
    await chain.carry()
    (message,) = (await chain.report(identifier))["messages"]
    assert message["balanced"]
    assert message["channels"]["sms"]["pending"] == 1
    async with whole.store.writing() as session:
        assert len(await resume_parked(session, whole.desk.routes, "test")) == 1
    async with whole.store.reading() as session:
        (body,) = await session.scalars(select(AuditEntry.body).where(AuditEntry.action == "dispatch.resumed"))
    assert (json.loads(body)["actor"], json.loads(body)["detail"]) == ("test", {"batches": 1, "recipients": 1})
    chain.house = whole
    await chain.carry()
    assert providers.sandbox.channels()["sms"]["recipients"] == 1


@pytest.mark.parametrize("mended_first", [False, True], ids=["published first", "mended first"])
async def test_posts_without_a_provider_leave_once_they_are_published_and_there_is_one(
    chain: Chain, providers: Providers, *, mended_first: bool
) -> None:
    await chain.settle()
    whole = chain.house
    chain.house = without(whole, "post")
    identifier, _ = await chain.sent(channels=("push", "post"))
    await chain.carry()
    if mended_first:
        chain.house = whole
        async with whole.store.writing() as session:
            assert await resume_parked(session, whole.desk.routes, "test") == []  # the cell has not said so yet
    cell = await chain.actor(chain.officers.cell)
    async with whole.store.writing() as session:
        assert await publish(session, chain.house.desk, cell, await find_alert(session, identifier)) == 3
    (message,) = (await chain.report(identifier))["messages"]
    assert (message["channels"]["post"]["pending"], message["reasons"]) == (3, {})
    if not mended_first:
        posts = [batch for batch in await batches(whole) if batch.channel == CHANNELS["post"]]
        assert {(batch.state, batch.parked_for) for batch in posts} == {("parked", Reason.NO_PROVIDER)}
        async with whole.store.writing() as session:
            assert len(await resume_parked(session, whole.desk.routes, "test")) == 3
    chain.house = whole
    await chain.carry()
    assert providers.sandbox.channels()["post"]["recipients"] == 3
    assert (await chain.report(identifier))["balanced"]


async def test_published_posts_are_counted_by_account(chain: Chain) -> None:
    """Without a provider two accounts of one language stand in one batch."""
    await chain.settle()
    async with chain.house.store.writing() as session:
        await add_account(session, "mastodon", "another", "mr")
    chain.house = without(chain.house, "post")
    identifier, _ = await chain.sent(channels=("push", "post"))
    cell = await chain.actor(chain.officers.cell)
    async with chain.house.store.writing() as session:
        assert await publish(session, chain.house.desk, cell, await find_alert(session, identifier)) == 4


async def test_parked_and_forgotten_ends_as_expired(chain: Chain) -> None:
    await chain.settle()
    await chain.sent()
    async with chain.house.store.writing() as session:
        past = await database_now(session) - timedelta(seconds=1)
        await session.execute(update(Batch).values(state="parked", parked_for=Reason.CREDENTIAL, expires=past))
    assert await close_expired(chain.house.store) == 1
    (batch,) = await batches(chain.house)
    assert (batch.state, list(batch.outcomes)) == ("done", [Outcome.EXPIRED])


async def test_who_heard_the_flood_hears_its_end(chain: Chain, providers: Providers) -> None:
    """Without consent only an emergency reaches a person; what follows it does, too, however calm."""
    await chain.settle(consent="", channels=("sms",))
    identifier, _ = await chain.broadcast()
    await chain.carry()
    cleared = await chain.cancel(identifier, ALL_CLEAR, DISASTER)
    async with chain.house.store.writing() as session:
        await session.execute(update(Batch).values(priority=7))
    await chain.carry()
    assert cleared.people == 1
    (first, last) = (await chain.report(identifier))["messages"]
    assert first["channels"]["sms"]["accepted"] == 1
    assert last["channels"]["sms"]["accepted"] == 1
    assert providers.sandbox.channels()["sms"]["requests"] == 2


@pytest.mark.requirement("S004-11")
async def test_one_person_cannot_approve_and_send_what_a_machine_wrote(chain: Chain) -> None:
    await chain.settle()
    machine = await chain.actor(chain.officers.machine)
    first, second = [await chain.actor(text) for text in chain.officers.officers[WATER_SUPPLY]]
    request = await chain.request()
    async with chain.house.store.writing() as session:
        now = await database_now(session)
        content = read_content(request, now, chain.house.desk.categories, chain.house.desk.geography(now))
        unit = await find_department(session, WATER_SUPPLY)
        alert, message = await draft(session, machine, unit.id, content)
        await submit(session, machine, alert)
        await approve(session, first, alert, message.content_hash)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, alert.identifier)
        with pytest.raises(Forbidden, match="cannot also send"):
            await release(session, chain.house.desk, first, found)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, alert.identifier)
        assert (await release(session, chain.house.desk, second, found)).people == 1


async def test_a_withdrawn_update_leaves_the_alert_live(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    author = await chain.actor(chain.officers.officers[WATER_SUPPLY][0])
    request = await chain.request()
    for _ in range(2):
        async with chain.house.store.writing() as session:
            found = await find_alert(session, identifier)
            await draft_update(session, chain.house.desk, author, found, request)
            await withdraw(session, author, found)
            assert (await newest(session, found)).state == "released"
    report = await chain.report(identifier)
    assert [message["number"] for message in report["messages"]] == [1, 2, 3]


@pytest.mark.requirement("S004-01")
async def test_posts_of_an_update_wait_for_the_cell_like_any(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier, _ = await chain.sent(channels=("push", "post"))
    cell = await chain.actor(chain.officers.cell)
    async with chain.house.store.writing() as session:
        await publish(session, chain.house.desk, cell, await find_alert(session, identifier))
    await chain.carry()
    assert providers.sandbox.channels()["post"]["recipients"] == 3
    for channels, waiting in ((("push",), 0), (("push", "post"), 3)):
        message = await chain.updating(identifier, channels=channels, severity="Minor" if waiting else "Moderate")
        await chain.approve(identifier, message.content_hash)
        await chain.send(identifier)
        await chain.carry()
        parked = [batch for batch in await batches(chain.house) if batch.state == "parked"]
        assert len(parked) == waiting
    assert providers.sandbox.channels()["post"]["accepted"] == 3


async def test_one_unreadable_address_does_not_hold_up_the_others(chain: Chain) -> None:
    broken = await chain.settle()
    for _ in range(3):
        await chain.settle()
    await chain.sent()
    async with chain.house.store.writing() as session:
        theirs = Address.owner_id == broken
        await session.execute(update(Address).where(theirs).values(sealed=b"\x01\x00\x01" + b"x" * 40))
    await chain.carry()
    (batch,) = await batches(chain.house)
    assert sorted(batch.outcomes) == [Outcome.ACCEPTED] * 3 + [Outcome.SUPPRESSED]
    assert Reason.UNREADABLE in batch.reasons


async def test_publishing_what_has_expired_is_refused(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await chain.sent(channels=("push", "post"))
    cell = await chain.actor(chain.officers.cell)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, identifier)
        message = await newest(session, found)
        message.expires = await database_now(session) - timedelta(seconds=1)
        await session.flush()
        with pytest.raises(Conflict, match="has expired"):
            await publish(session, chain.house.desk, cell, found)


async def test_an_account_of_a_ward_that_never_was_stops_nothing(chain: Chain) -> None:
    await chain.settle()
    async with chain.house.store.writing() as session:
        await add_account(session, "mastodon", "nowhere_mr", "mr", ward="no-such-ward")
        await add_account(session, "mastodon", "kothrud_en", "en", ward="kothrud-bavdhan")
    _, released = await chain.sent(channels=("push", "post"))
    assert (released.people, released.audience) == (1, 1 + 3 + 1)  # the city's three, and Kothrud's
