"""Why somebody did, or did not, get an alert: true words, no place given away, only to those who may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from geoalert.departments import issue, name_officer
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.receipts import Incoming, Intake, fold_receipts
from geoalert.dispatch.reference import make_refs
from geoalert.dispatch.tables import Batch
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.latecomers import Latecomers
from geoalert.operations.next_channel import NextChannel
from geoalert.subscribers.tables import Subscriber
from tests.changes import add_sms, add_ward, move_to, reference_of, set_addresses
from tests.integration.api.conftest import Door, refusal
from tests.integration.pipeline.followed import say
from tests.integration.pipeline.test_leavers import updated
from tests.quiet import ALL_DAY
from tests.workbench import HADAPSAR, KOTHRUD, Chain


async def ask(door: Door, alert: str, person: int) -> dict[str, Any]:
    subscriber = await reference_of(door.house, person)
    answer = await door.call("GET", f"/v1/audience/explain?alert={alert}&subscriber={subscriber}", door.caller)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert (found["alert"], found["subscriber"]) == (alert, subscriber)
    assert not _keys(found) & {"lat", "lon", "x", "y", "cell", "phone", "token", "address_id"}
    assert "73." not in answer.text
    return found


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


async def test_who_was_told_hears_by_what_and_never_more_than_is_known(door: Door, chain: Chain) -> None:
    person = await chain.settle(channels=("push", "sms"))
    await add_ward(door.house, person, "hadapsar-mundhwa")
    alert, _ = await chain.sent()
    await chain.carry()
    (message,) = (await ask(door, alert, person))["messages"]
    assert (message["in_audience"], message["role"], message["joined_at"]) == (True, "inside", None)
    push, sms = message["channels"]
    assert (push["channel"], push["order"], push["outcome"], push["language"]) == ("push", 1, "accepted", "mr")
    assert "not known" in push["says"]
    assert (sms["outcome"], sms["address"]) == (None, "active")
    assert "another channel was used" in sms["says"]
    home, parents = message["as_of_now"]["places"]
    assert (home["label"], home["kind"], home["inside"], home["metres"]) == ("home", "point", True, None)
    assert [part["code"] for part in home["parts"]] == ["kothrud-bavdhan"]
    assert (parents["label"], parents["kind"], parents["inside"], parents["parts"]) == ("parents", "ward", False, [])


async def test_an_acknowledgement_in_time_keeps_a_severe_message_to_the_app_and_silence_says_why_not(
    door: Door, chain: Chain
) -> None:
    heard, silent = await chain.settle(channels=("push", "sms")), await chain.settle(channels=("push", "sms"))
    alert, _ = await chain.sent(severity="Severe")
    (message,) = (await ask(door, alert, heard))["messages"]
    assert "does not say in time that it arrived" in message["channels"][1]["says"]
    await chain.carry()
    async with door.house.store.reading() as session:
        (batch,) = await session.scalars(select(Batch))
    ref = make_refs(door.house.keys, batch.id, [recipients_of(batch).index(heard)])[0]
    door.house.store.shift += timedelta(minutes=4, seconds=50)
    answer = await door.call("POST", f"/v1/messages/{message['message']}/ack", json={"ref": ref})
    assert answer.status_code == 202
    door.house.store.shift += timedelta(seconds=11)
    assert await NextChannel(door.house.desk).look() == 1
    await fold_receipts(door.house.store)
    await chain.carry()
    push, sms = (await ask(door, alert, heard))["messages"][0]["channels"]
    assert (push["outcome"], sms["outcome"], sms["because"]) == ("delivered", None, None)
    (message,) = (await ask(door, alert, silent))["messages"]
    assert message["role"] == "inside"
    push, sms = message["channels"]
    assert (push["outcome"], push["because"]) == ("accepted", None)
    assert (sms["outcome"], sms["because"]) == ("accepted", "not_confirmed")
    assert "used after push: nothing said within 5 minutes that it arrived" in sms["says"]
    assert "joined late" not in sms["says"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [(Reason.INVALID_ADDRESS, "the provider does not know the address"), (Reason.NONE, "it failed")],
)
async def test_why_the_next_channel_was_used_is_said(door: Door, chain: Chain, reason: Reason, words: str) -> None:
    person = await chain.settle(channels=("sms", "push"))
    alert, _ = await chain.sent()
    await chain.carry()
    await say(chain, person, Status.FAILED, channel="sms", reason=reason)
    assert await NextChannel(door.house.desk).look() == 1
    _, push = (await ask(door, alert, person))["messages"][0]["channels"]
    assert push["says"] == f"waits to leave; used after sms: {words}"


async def test_a_receipt_says_when_it_arrived(door: Door, chain: Chain) -> None:
    person = await chain.settle(channels=("sms",))
    alert, _ = await chain.sent()
    await chain.carry()
    async with door.house.store.reading() as session:
        (batch,) = await session.scalars(select(Batch))
    await Intake(door.house.store).take([Incoming("twilio", batch.id, 0, Status.DELIVERED, "delivered")])
    await fold_receipts(door.house.store)
    (sms,) = (await ask(door, alert, person))["messages"][0]["channels"]
    assert (sms["outcome"], "arrived" in sms["says"]) == ("delivered", True)
    assert [receipt["status"] for receipt in sms["receipts"]] == ["delivered"]
    assert sms["handed_over_at"] <= sms["receipts"][0]["at"]


async def test_places_of_now_are_not_taken_for_those_of_the_release(door: Door, chain: Chain) -> None:
    told, outside = await chain.settle(), await chain.settle(at=HADAPSAR)
    alert, _ = await chain.sent()
    await chain.carry()
    await move_to(door.house, told, HADAPSAR)
    (message,) = (await ask(door, alert, told))["messages"]
    assert (message["in_audience"], message["role"]) == (True, "inside")
    (home,) = message["as_of_now"]["places"]
    assert not home["inside"]
    assert home["metres"] % 100 == 0
    assert 5_000 < home["metres"] < 14_000
    assert message["as_of_now"]["left_out"] == "outside"
    (message,) = (await ask(door, alert, outside))["messages"]
    assert (message["in_audience"], message["role"]) == (False, "not_in_audience")
    assert "not kept" in message["says"]


@pytest.mark.parametrize(
    ("wishes", "rule"),
    [({"consent": ""}, "no_consent"), ({"min_severity": "Severe"}, "min_severity"), ({"categories": 0}, "category")],
)
async def test_the_rule_that_left_them_out_is_named(
    door: Door, chain: Chain, wishes: dict[str, Any], rule: str
) -> None:
    await chain.settle()
    person = await chain.settle(**wishes)
    alert, _ = await chain.sent()
    (message,) = (await ask(door, alert, person))["messages"]
    assert (message["in_audience"], message["as_of_now"]["left_out"]) == (False, rule)
    await set_addresses(door.house, person, "unverified")
    (push,) = (await ask(door, alert, person))["messages"][0]["channels"]
    assert (push["outcome"], push["address"]) == (None, "unverified")


async def test_quiet_hours_hold_until_an_hour_that_is_named(door: Door, chain: Chain) -> None:
    person = await chain.settle(quiet=ALL_DAY)
    alert, _ = await chain.sent()
    (message,) = (await ask(door, alert, person))["messages"]
    (push,) = message["channels"]
    assert (push["outcome"], push["reason"]) == ("held", "quiet_hours")
    assert push["held_until"] == message["as_of_now"]["held_until"]


async def test_latecomers_updates_and_the_all_clear_are_told_apart(door: Door, chain: Chain) -> None:
    first = await chain.settle()
    alert, _ = await chain.sent()
    await chain.carry()
    late, never = await chain.settle(), await chain.settle(consent="")
    assert await Latecomers(door.house.desk).look() == 1
    await chain.carry()
    await chain.cancel(alert, ALL_CLEAR)
    await chain.carry()
    messages = (await ask(door, alert, late))["messages"]
    assert [message["role"] for message in messages] == ["late", "told_before"]
    assert messages[0]["joined_at"] > messages[0]["released_at"]
    assert "joined late" in messages[0]["channels"][0]["says"]
    assert [message["role"] for message in (await ask(door, alert, first))["messages"]] == ["inside", "told_before"]
    roles = [message["role"] for message in (await ask(door, alert, never))["messages"]]
    assert roles == ["subscribed_later", "never_told"]
    elsewhere = (await ask(door, alert, await chain.settle(at=HADAPSAR)))["messages"][0]
    assert (elsewhere["role"], elsewhere["as_of_now"]["left_out"]) == ("subscribed_later", "outside")
    assert "have not come into its audience" in elsewhere["says"]


async def test_what_follows_goes_to_those_told_before_wherever_they_live_now(door: Door, chain: Chain) -> None:
    told, never = await chain.settle(), await chain.settle(at=HADAPSAR)
    alert, _ = await chain.sent()
    await chain.carry()
    await move_to(door.house, told, HADAPSAR)
    assert await updated(chain, alert) == 1
    await chain.carry()
    await chain.cancel(alert, ALL_CLEAR)
    await move_to(door.house, never, KOTHRUD)
    now = [message["as_of_now"] for message in (await ask(door, alert, told))["messages"]]
    assert [(each["left_out"], each["by"]) for each in now] == [("outside", []), (None, ["push"]), (None, ["push"])]
    assert all("told before" in each["says"] and "the rules" not in each["says"] for each in now[1:])
    assert not any(place["inside"] for each in now for place in each["places"])
    async with door.house.store.writing() as session:
        await session.execute(update(Subscriber).where(Subscriber.id == told).values(state="paused"))
    now = [message["as_of_now"] for message in (await ask(door, alert, told))["messages"]]
    assert [(each["left_out"], each["by"]) for each in now] == [("outside", []), ("paused", []), ("paused", [])]
    now = [message["as_of_now"] for message in (await ask(door, alert, never))["messages"]]
    assert [(each["left_out"], each["by"]) for each in now] == [
        (None, ["push"]),
        (None, ["push"]),
        ("never_told", []),
    ]
    assert "no earlier message" in now[-1]["says"]


async def test_a_ward_that_never_was_is_named_and_hides_nothing_else(door: Door, chain: Chain) -> None:
    person = await chain.settle()
    await add_ward(door.house, person, "atlantis")
    alert, _ = await chain.sent()
    home, parents = (await ask(door, alert, person))["messages"][0]["as_of_now"]["places"]
    assert (home["inside"], home["known"]) == (True, True)
    assert (parents["label"], parents["inside"], parents["parts"], parents["known"]) == ("parents", False, [], False)


async def test_a_new_channel_of_an_emergency_says_that_it_joined(door: Door, chain: Chain) -> None:
    person = await chain.settle()
    alert, _ = await chain.broadcast()
    await add_sms(door.house, person)
    await Latecomers(door.house.desk).look()
    subscriber = await reference_of(door.house, person)
    path = f"/v1/audience/explain?alert={alert}&subscriber={subscriber}"
    refusal(await door.call("GET", path, door.caller), 404)  # another department's alert
    async with door.house.store.writing() as session:
        agent = await name_officer(session, "disaster-management", "Agent", "Call centre", ["call-centre"])
        caller = await issue(session, "disaster-management", officer=agent.reference)
    (message,) = (await door.call("GET", path, caller)).json()["messages"]
    assert message["role"] == "inside"
    assert [channel["joined_at"] is None for channel in message["channels"]] == [True, False]
