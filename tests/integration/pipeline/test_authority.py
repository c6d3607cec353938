"""Who stands behind what is sent: two people for a notice, one and an open review for an emergency, never a machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from geoalert.alerts import approve, edit, find_alert, read_content, review, send_back, submit
from geoalert.alerts.states import MOVES
from geoalert.alerts.tables import Approval, Message
from geoalert.audit.tables import AuditEntry
from geoalert.departments import name_officer
from geoalert.departments.tables import Officer
from geoalert.errors import Conflict, Forbidden, Invalid
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.follow_up import publish
from geoalert.operations.release import release
from geoalert.operations.schedule import release_due
from geoalert.store import database_now
from tests.conftest import Providers
from tests.workbench import DISASTER, HADAPSAR, WATER_SUPPLY, Chain


@pytest.mark.requirement("S004-11")
async def test_the_author_cannot_approve_even_after_somebody_else_edited(chain: Chain) -> None:
    alert, message = await chain.drafted()
    first, second = [await chain.actor(text) for text in chain.officers.officers[WATER_SUPPLY]]
    machine = await chain.actor(chain.officers.machine)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, alert.identifier)
        await submit(session, first, found)
        with pytest.raises(Forbidden, match="author cannot approve"):
            await approve(session, first, found, message.content_hash)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, alert.identifier)
        await send_back(session, second, found, "say until when")
        now = await database_now(session)
        request = await chain.request(severity="Minor")
        content = read_content(request, now, chain.house.desk.categories, chain.house.desk.geography(now))
        edited = await edit(session, machine, found, content)
        await submit(session, machine, found)
        with pytest.raises(Forbidden, match="author cannot approve"):
            await approve(session, first, found, edited.content_hash)
        await approve(session, second, found, edited.content_hash)


@pytest.mark.requirement("S004-11")
async def test_a_machine_neither_approves_nor_sends(chain: Chain) -> None:
    alert, message = await chain.drafted()
    machine = await chain.actor(chain.officers.machine)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, alert.identifier)
        await submit(session, machine, found)
        with pytest.raises(Forbidden, match="named officer"):
            await approve(session, machine, found, message.content_hash)
        with pytest.raises(Forbidden, match="named officer"):
            await release(session, chain.house.desk, machine, found)


@pytest.mark.requirement("S000-02")
async def test_approval_is_bound_to_the_words_that_were_read(chain: Chain) -> None:
    alert, _ = await chain.drafted()
    first, second = [await chain.actor(text) for text in chain.officers.officers[WATER_SUPPLY]]
    async with chain.house.store.writing() as session:
        found = await find_alert(session, alert.identifier)
        await submit(session, first, found)
        with pytest.raises(Conflict, match="changed since you read it"):
            await approve(session, second, found, "0" * 64)


@pytest.mark.requirement("S000-02")
async def test_a_change_after_approval_voids_it(chain: Chain) -> None:
    await chain.settle()
    identifier = await chain.approved()
    author = await chain.actor(chain.officers.officers[WATER_SUPPLY][0])
    async with chain.house.store.writing() as session:
        found = await find_alert(session, identifier)
        now = await database_now(session)
        request = await chain.request(severity="Minor")
        content = read_content(request, now, chain.house.desk.categories, chain.house.desk.geography(now))
        await edit(session, author, found, content)
    with pytest.raises(Conflict, match="draft cannot be sent"):
        await chain.send(identifier)


@pytest.mark.requirement("S003-03", "S004-03")
async def test_a_department_with_one_officer_cannot_issue(chain: Chain) -> None:
    identifier, message = await chain.drafted()
    async with chain.house.store.writing() as session:
        officers = await session.scalars(select(Officer).where(Officer.post == "Executive Engineer"))
        for officer in officers:
            officer.state = "left"
    _, second = chain.officers.officers[WATER_SUPPLY]
    actor = await chain.actor(second)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, identifier.identifier)
        await submit(session, actor, found)
        with pytest.raises(Conflict, match="fewer than 2 named officers"):
            await approve(session, actor, found, message.content_hash)


@pytest.mark.requirement("S004-11")
async def test_one_word_leaves_a_review_that_another_person_closes(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await chain.broadcast()
    first, second = [await chain.actor(text) for text in chain.officers.officers[DISASTER]]
    async with chain.house.store.writing() as session:
        found = await find_alert(session, identifier)
        with pytest.raises(Forbidden, match="cannot review"):
            await review(session, first, found, "fine")
    async with chain.house.store.writing() as session:
        found = await find_alert(session, identifier)
        assert await review(session, second, found, "right to send") == 1
        assert await review(session, second, found, "again") == 0
    with pytest.raises(Invalid, match="Severe and Extreme only"):
        await chain.broadcast(severity="Moderate")


@pytest.mark.requirement("S004-01", "S000-05")
async def test_the_cell_publishes_and_does_not_approve(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier, released = await chain.sent(channels=("push", "post"))
    assert released.audience == 4  # one person and three accounts
    await chain.carry()
    assert providers.sandbox.channels()["post"]["requests"] == 0
    cell = await chain.actor(chain.officers.cell)
    async with chain.house.store.writing() as session:
        found = await find_alert(session, identifier)
        with pytest.raises(Forbidden):
            await approve(session, cell, found, "0" * 64)
        assert await publish(session, chain.house.desk, cell, found) == 3
    await chain.carry()
    assert providers.sandbox.channels()["post"]["recipients"] == 3
    assert (await chain.report(identifier))["balanced"]


async def test_an_update_reaches_those_inside_and_those_told_before(chain: Chain) -> None:
    stays, leaves = await chain.settle(), await chain.settle(at=HADAPSAR)
    identifier, first = await chain.sent(wards=["kothrud-bavdhan", "hadapsar-mundhwa"])
    assert first.people == 2
    await chain.carry()
    newcomer = await chain.settle()
    message = await chain.updating(identifier)
    await chain.approve(identifier, message.content_hash)
    second = await chain.send(identifier)
    assert second.people == len({stays, leaves, newcomer})
    await chain.carry()
    report = await chain.report(identifier)
    assert [message["state"] for message in report["messages"]] == ["superseded", "released"]
    assert report["balanced"]


@pytest.mark.requirement("S004-11")
async def test_an_approved_message_leaves_at_its_hour(chain: Chain) -> None:
    await chain.settle()
    async with chain.house.store.reading() as session:
        now = await database_now(session)
    identifier = await chain.approved(send_at=now + timedelta(hours=1))
    assert await release_due(chain.house.desk) == 0
    async with chain.house.store.writing() as session:
        message = await session.scalar(select(Message))
        assert message is not None
        message.send_at = now - timedelta(seconds=1)
    assert await release_due(chain.house.desk) == 1
    assert await release_due(chain.house.desk) == 0
    await chain.carry()
    (message_report,) = (await chain.report(identifier))["messages"]
    assert message_report["channels"]["push"]["accepted"] == 1


@pytest.mark.requirement("S003-09")
async def test_every_word_is_kept_with_its_name(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    await chain.cancel(identifier, ALL_CLEAR)
    async with chain.house.store.reading() as session:
        kinds = list(await session.scalars(select(Approval.kind).order_by(Approval.id)))
        actions = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert kinds == ["approval", "one_word"]
    assert actions[-7:] == [
        "message.drafted",
        "message.submitted",
        "message.approval",
        "message.released",
        "message.drafted",
        "message.one_word",
        "message.released",
    ]


@pytest.mark.requirement("S000-14")
async def test_an_unknown_role_is_refused(chain: Chain) -> None:
    async with chain.house.store.writing() as session:
        with pytest.raises(Invalid, match="roles are"):
            await name_officer(session, WATER_SUPPLY, "A person", "post", ["emperor"])


def test_the_table_of_moves_is_closed_and_ends() -> None:
    states = set(MOVES)
    assert {after for moves in MOVES.values() for after in moves.values()} <= states
    assert {state for state, moves in MOVES.items() if not moves} == {"cancelled", "withdrawn"}
    # Nothing but an approval or a break-glass word leads to people.
    leads = {
        (state, action) for state, moves in MOVES.items() for action, after in moves.items() if after == "released"
    }
    assert leads == {("approved", "release"), ("draft", "break_glass")}
    assert {state for state, moves in MOVES.items() if "approved" in moves.values()} == {"submitted"}
