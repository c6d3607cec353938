"""The main job through the rooms, on both stores: the right people, nobody else, exactly once."""

from __future__ import annotations

import pytest

from geoalert.alerts import find_alert, messages_of
from geoalert.errors import Conflict, Forbidden
from geoalert.operations.demo_story import ALL_CLEAR, drawn_area
from geoalert.report import prove
from geoalert.store import database_now
from geoalert.subscribers.person import Point
from tests.conftest import Providers
from tests.quiet import ALL_DAY
from tests.workbench import DISASTER, HADAPSAR, KOTHRUD, Chain


@pytest.mark.requirement("S002-14", "S000-04")
async def test_people_inside_are_told_once_and_nobody_else(chain: Chain, providers: Providers) -> None:
    inside = [await chain.settle(), await chain.settle(channels=("sms",)), await chain.settle(language="en")]
    # Two places inside, and one in, one out: still one person, told once.
    inside.append(await chain.settle(more_points=[Point(73.8090, 18.5080)]))
    inside.append(await chain.settle(at=HADAPSAR, more_points=[Point(*KOTHRUD)]))
    await chain.settle(at=HADAPSAR)

    identifier, released = await chain.sent()
    assert released.people == len(inside)
    await chain.carry()

    report = await chain.report(identifier)
    assert report["balanced"]
    (message,) = report["messages"]
    assert message["channels"]["push"]["accepted"] == 4
    assert message["channels"]["sms"]["audience"] == 1
    seen = providers.sandbox.channels()
    assert (seen["push"]["recipients"], seen["push"]["doubled"]) == (4, 0)
    assert (seen["sms"]["recipients"], seen["sms"]["doubled"]) == (1, 0)
    async with chain.house.store.reading() as session:
        (row,) = await messages_of(session, await find_alert(session, identifier))
        proof = await prove(session, row, chain.house.desk.last_known(await database_now(session)))
    assert (proof.told, proof.outside, proof.twice, proof.inside) == (5, 0, 0, 5)


@pytest.mark.requirement("S002-04")
async def test_each_is_told_in_their_own_language(chain: Chain, providers: Providers) -> None:
    for language in ("mr", "hi", "en"):
        await chain.settle(language=language, channels=("sms",))
    await chain.sent()
    await chain.carry()
    titles = {told.text.splitlines()[0] for told in providers.sandbox.inbox.told.values()}
    assert titles == {
        "आज १२:०० ते २०:०० पाणीपुरवठा बंद",
        "आज १२:०० से २०:०० तक पानी बंद",
        "Water supply off today, 12:00 to 20:00",
    }


async def test_choices_are_respected_and_an_emergency_overrides_them(chain: Chain) -> None:
    await chain.settle()
    await chain.settle(categories=1 << chain.house.desk.categories["road"].bit)  # not water
    await chain.settle(min_severity="Severe")
    await chain.settle(consent="")
    _, routine = await chain.sent()
    assert routine.people == 1
    _, emergency = await chain.broadcast()
    assert emergency.people == 4


@pytest.mark.requirement("S003-07")
async def test_quiet_hours_hold_and_do_not_drop(chain: Chain, providers: Providers) -> None:
    await chain.settle(quiet=ALL_DAY, channels=("push",))
    identifier, released = await chain.sent()
    assert released.people == 1
    await chain.carry()
    (message,) = (await chain.report(identifier))["messages"]
    assert message["channels"]["push"]["held"] == 1
    assert message["reasons"] == {"quiet_hours": 1}
    assert providers.sandbox.channels()["push"]["requests"] == 0
    _, emergency = await chain.broadcast()
    await chain.carry()
    assert emergency.people == 1
    assert providers.sandbox.channels()["push"]["recipients"] == 1


async def test_a_drawn_area_counts_like_a_ward(chain: Chain) -> None:
    middle = drawn_area().representative_point()
    await chain.settle(at=(middle.x, middle.y))
    await chain.settle(at=HADAPSAR)
    drawn = {"type": "Polygon", "coordinates": [list(map(list, drawn_area().exterior.coords))]}
    _, released = await chain.sent(wards=[], drawn=drawn)
    assert released.people == 1


async def test_an_empty_audience_needs_a_word(chain: Chain) -> None:
    identifier = await chain.approved()
    with pytest.raises(Conflict, match="nobody would be told"):
        await chain.send(identifier)
    released = await chain.send(identifier, confirm_empty=True)
    assert released.people == 0


@pytest.mark.requirement("S004-11", "S003-09")
async def test_the_all_clear_reaches_exactly_those_who_were_told(chain: Chain, providers: Providers) -> None:
    await chain.settle(channels=("push", "sms"))
    await chain.settle()
    identifier, released = await chain.broadcast()
    assert released.audience == 3  # every channel of a person at once
    await chain.carry()
    await chain.settle()  # a latecomer: was never told, is not told that it is over
    cleared = await chain.cancel(identifier, ALL_CLEAR, DISASTER)
    assert (cleared.people, cleared.audience) == (2, 3)
    await chain.carry()
    report = await chain.report(identifier)
    assert report["balanced"]
    assert [message["msg_type"] for message in report["messages"]] == ["Alert", "Cancel"]
    assert [message["state"] for message in report["messages"]] == ["cancelled", "released"]
    assert providers.sandbox.channels()["push"]["doubled"] == 0
    with pytest.raises(Conflict):
        await chain.cancel(identifier, ALL_CLEAR, DISASTER)  # the Cancel ends it again: nothing live is left


async def test_what_has_not_left_is_stopped_by_a_cancel(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    cleared = await chain.cancel(identifier, ALL_CLEAR)
    await chain.carry()
    assert cleared.people == 0
    (first, _) = (await chain.report(identifier))["messages"]
    assert first["channels"]["push"]["cancelled"] == 1
    assert providers.sandbox.channels()["push"]["requests"] == 0


async def test_an_address_the_provider_calls_dead_is_not_used_again(chain: Chain, providers: Providers) -> None:
    providers.sandbox.mischief.change({"unregistered": 1.0})
    await chain.settle()
    identifier, _ = await chain.sent()
    await chain.carry()
    (message,) = (await chain.report(identifier))["messages"]
    assert message["channels"]["push"]["failed"] == 1
    with pytest.raises(Conflict, match="nobody would be told"):
        await chain.sent()


async def test_another_departments_officer_can_neither_send_nor_cancel(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await chain.sent()
    with pytest.raises(Forbidden):
        await chain.cancel(identifier, ALL_CLEAR, DISASTER)
