"""Those told of what is planned are reminded once, at the time its author chose, of what still holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.engine import Engine
from geoalert.dispatch.plan import Announced
from geoalert.errors import Conflict
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD, WATER
from geoalert.operations.latecomers import Latecomers
from geoalert.operations.reminders import remind_due
from geoalert.operations.schedule import keep_schedule
from geoalert.settings import Settings
from tests.changes import move_to, set_addresses
from tests.conftest import Providers
from tests.integration.pipeline.followed import holds
from tests.integration.pipeline.planned import asks, entries, later, messages, passes, planned
from tests.quiet import ALL_DAY
from tests.waiting import until
from tests.workbench import HADAPSAR, WATER_SUPPLY, Chain

MARKS = {"mr": "आठवण: ", "hi": "अनुस्मारक: ", "en": "Reminder: "}
OFFICES = (["kothrud-bavdhan"], ["hadapsar-mundhwa"])


def headlines(providers: Providers) -> dict[str, int]:
    """What came by push, by headline: to how many phones."""
    told = providers.sandbox.inbox.told.values()
    return {each.title: len(each.times) for each in told if each.channel == "push"}


async def test_each_is_reminded_once_in_their_language_by_their_channel(chain: Chain, providers: Providers) -> None:
    for language in MARKS:
        await chain.settle(channels=("sms",), language=language)
    await chain.settle()
    await chain.settle(at=HADAPSAR)
    identifier = await planned(chain)
    assert await remind_due(chain.house.desk) == 0
    passes(chain, 2)
    assert sum(await asyncio.gather(*(remind_due(chain.house.desk) for _ in range(4)))) == 1
    assert await remind_due(chain.house.desk) == 0
    await chain.carry()
    for language, (first, second) in zip(MARKS, providers.sandbox.twilio.by_number.values(), strict=True):
        assert WATER[language]["headline"] in first.body
        assert MARKS[language] not in first.body
        assert MARKS[language] + WATER[language]["headline"] in second.body
    headline = WATER["mr"]["headline"]
    assert headlines(providers) == {headline: 1, MARKS["mr"] + headline: 1}
    assert sum(way["doubled"] for way in providers.sandbox.channels().values()) == 0
    passes(chain, 1)
    assert await remind_due(chain.house.desk) == 0, "nothing reminds of a reminder"
    await holds(chain, identifier)


async def test_a_reminder_is_its_message_marked_and_rests_on_its_approval(chain: Chain) -> None:
    await chain.settle()
    asked = await asks(chain, incident="burst")
    identifier, _ = await chain.sent(**asked)
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    original, reminder = await messages(chain, identifier)
    assert (original.state, reminder.state, reminder.msg_type) == ("superseded", "released", "Update")
    assert original.remind_at == asked["remind_at"]
    assert original.reminded_at == reminder.released_at
    assert (reminder.remind_at, reminder.reminded_at) == (None, None)
    before, after = json.loads(original.content), json.loads(reminder.content)
    assert before.pop("remind_at") == asked["remind_at"].isoformat()
    assert after.pop("reminds") == original.identifier
    for language, text in before["texts"].items():
        text["headline"] = MARKS[language] + text["headline"]
    assert after == before
    assert reminder.author_officers == original.author_officers
    (entry,) = await entries(chain, "message.reminded")
    approver = await chain.actor(chain.officers.officers[WATER_SUPPLY][1])
    assert entry == {
        "reminder": reminder.identifier,
        "approved": original.content_hash,
        "approved_by": [approver.name],
    }


async def test_the_schedule_reminds(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier = await planned(chain)
    passes(chain, 2)
    stopping = asyncio.Event()
    keeping = [asyncio.create_task(keep_schedule(chain.house.desk, stopping)) for _ in range(2)]

    async def reminded() -> bool:
        return len(await messages(chain, identifier)) > 1

    await until(reminded, "the schedule reminds")
    stopping.set()
    await asyncio.gather(*keeping)
    await chain.carry()
    assert sum(headlines(providers).values()) == 2


@pytest.mark.parametrize("ended", ["cancelled", "updated", "expired"])
async def test_nobody_is_reminded_of_what_has_ended(chain: Chain, providers: Providers, ended: str) -> None:
    await chain.settle()
    identifier = await planned(chain)
    if ended == "cancelled":
        await chain.cancel(identifier, ALL_CLEAR)
    if ended == "updated":
        await chain.updated(identifier, texts=FLOOD, expires=await later(chain, 6))
    await chain.carry()
    before = headlines(providers)
    passes(chain, 7 if ended == "expired" else 2)
    assert await remind_due(chain.house.desk) == 0
    await chain.carry()
    assert headlines(providers) == before
    assert [detail["why"] for detail in await entries(chain, "message.reminder_left_out")] == (
        ["begun"] if ended == "expired" else []
    )


async def test_of_what_was_updated_the_updates_own_hour_counts(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifier = await planned(chain)
    await chain.updated(identifier, texts=FLOOD, **await asks(chain, remind_at=await later(chain, 2.5)))
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 0
    passes(chain, 0.5)
    assert await remind_due(chain.house.desk) == 1
    await chain.carry()
    assert MARKS["mr"] + FLOOD["mr"]["headline"] in headlines(providers)
    assert MARKS["mr"] + WATER["mr"]["headline"] not in headlines(providers)
    assert [message.reminded_at is not None for message in await messages(chain, identifier)] == [False, True, False]


async def test_what_is_being_prepared_neither_stops_the_reminder_nor_is_lost_by_it(chain: Chain) -> None:
    await chain.settle()
    identifier = await planned(chain)
    update = await chain.updating(identifier, texts=FLOOD)
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    assert [message.msg_type for message in await messages(chain, identifier)] == ["Alert", "Update", "Update"]
    await chain.approve(identifier, update.content_hash)
    assert (await chain.send(identifier)).message == update.identifier
    assert [message.state for message in await messages(chain, identifier)] == ["superseded", "superseded", "released"]
    await chain.cancel(identifier, ALL_CLEAR)
    await holds(chain, identifier)


async def test_a_reminder_changes_no_fact(chain: Chain) -> None:
    """An update in the old words is a repeat before it and after it."""
    await chain.settle()
    asked = await asks(chain)
    identifier, _ = await chain.sent(**asked)
    unasked = asked | {"remind_at": None}
    with pytest.raises(Conflict, match="nothing has changed"):
        await chain.updating(identifier, **unasked)
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    with pytest.raises(Conflict, match="nothing has changed"):
        await chain.updating(identifier, **unasked)


async def test_who_is_inside_two_alerts_of_one_event_is_reminded_once(chain: Chain, providers: Providers) -> None:
    """The same words for two offices: the second alert told only whom the first had not."""
    await chain.settle()
    await chain.settle(at=HADAPSAR)
    asked = await asks(chain)
    await chain.sent(**asked, wards=OFFICES[0])
    await chain.sent(**asked, wards=[*OFFICES[0], *OFFICES[1]])
    await chain.carry()
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 2
    await chain.carry()
    assert headlines(providers)[MARKS["mr"] + WATER["mr"]["headline"]] == 1
    pushed = [told for told in providers.sandbox.inbox.told.values() if told.title.startswith(MARKS["mr"])]
    assert sorted(len(told.times) for told in pushed) == [1, 1]
    assert len({phone for told in pushed for phone in told.times}) == 2


async def test_an_alert_is_spoken_for_by_the_reminder_of_another_as_by_that(chain: Chain) -> None:
    await chain.settle()
    asked = await asks(chain)
    await chain.sent(**asked, wards=OFFICES[0])
    await chain.settle(at=HADAPSAR)
    beside, released = await chain.sent(**asked | {"remind_at": None}, wards=[*OFFICES[0], *OFFICES[1]])
    await chain.carry()
    assert (released.people, released.spared["told_of_event"]) == (1, 1)
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    await chain.carry()
    assert await Latecomers(chain.house.desk).look() == 0
    assert (await chain.report(beside))["messages"][0]["people"] == 1


async def test_who_was_told_is_reminded_as_they_are_by_now(chain: Chain, providers: Providers) -> None:
    """Who moved away was told and is; who moved in is; a STOP ends it; quiet hours hold it."""
    moved, stopped = await chain.settle(), await chain.settle()
    identifier = await planned(chain)
    await chain.settle(quiet=ALL_DAY)
    await chain.settle()
    await move_to(chain.house, moved, HADAPSAR)
    await set_addresses(chain.house, stopped, "stopped")
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    await chain.carry()
    reminder = (await chain.report(identifier))["messages"][1]
    push = reminder["channels"]["push"]
    assert (push["accepted"], push["held"], push["suppressed"]) == (2, 1, 1)
    assert reminder["reasons"]["opted_out"] == 1
    assert providers.sandbox.channels()["push"]["accepted"] == 2 + 2
    await holds(chain, identifier)


async def test_who_still_waits_for_the_message_gets_the_reminder_in_its_place(chain: Chain) -> None:
    await chain.settle(quiet=ALL_DAY)
    identifier = await planned(chain)
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    first, second = [message["channels"]["push"] for message in (await chain.report(identifier))["messages"]]
    assert (first["cancelled"], first["held"], second["held"]) == (1, 0, 1)


@dataclass
class FailingOnce:
    """An engine that fails when it is first used."""

    inner: Engine
    failed: list[int] = field(default_factory=list)

    async def enqueue(self, session: AsyncSession, batches: Sequence[Announced]) -> None:
        if not self.failed:
            self.failed.append(len(batches))
            raise OSError
        await self.inner.enqueue(session, batches)


async def test_one_that_fails_holds_up_no_other_and_is_tried_again(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    identifiers = [await planned(chain, incident=name, texts=texts) for name, texts in (("a", WATER), ("b", FLOOD))]
    passes(chain, 2)
    desk = replace(chain.house.desk, engine=FailingOnce(chain.house.desk.engine))  # type: ignore[arg-type]  # it only announces
    assert await remind_due(desk) == 1
    assert await remind_due(desk) == 1
    await chain.carry()
    assert sum(headlines(providers).values()) == 4
    for identifier in identifiers:
        await holds(chain, identifier)


async def test_a_reminder_takes_nothing_of_the_weekly_budget(chain: Chain, settings: Settings) -> None:
    assert settings.alerts.weekly_budget == 5
    chain.house = replace(chain.house, desk=replace(chain.house.desk, weekly_budget=2))
    await chain.settle()
    identifier = await planned(chain, severity="Minor")
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    assert (await chain.report(identifier))["messages"][1]["people"] == 1
    assert [await notice(chain) for _ in range(3)] == [1, 0, 0]


async def notice(chain: Chain) -> int:
    """A notice of low severity of its own; returns how many it tells."""
    with suppress(Conflict):
        return (await chain.sent(severity="Minor"))[1].people
    return 0


async def test_the_city_accounts_wait_for_the_cell_again(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    await planned(chain, channels=("push", "post"))
    passes(chain, 2)
    assert await remind_due(chain.house.desk) == 1
    await chain.carry()
    assert sum(headlines(providers).values()) == 2
    assert providers.sandbox.channels()["post"]["requests"] == 0
