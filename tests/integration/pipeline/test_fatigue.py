"""A person hears of so many alerts of low severity a week, and of no more; what matters more always comes through."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from geoalert.alerts.tables import Message
from geoalert.operations.demo_story import ALL_CLEAR
from geoalert.operations.latecomers import Latecomers
from geoalert.operations.release import Released
from geoalert.settings import Settings
from tests.workbench import HADAPSAR, Chain


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two alerts a week."""
    settings.alerts.weekly_budget = 2
    return settings


async def notice(chain: Chain, **changes: Any) -> tuple[str, Released]:
    """One that nobody else speaks for: its time is its own."""
    identifier = await chain.approved(**({"severity": "Minor"} | changes))
    return identifier, await chain.send(identifier, confirm_empty=True)


async def test_the_third_of_a_week_leaves_out_who_heard_two(chain: Chain) -> None:
    await chain.settle(min_severity="Unknown")
    await notice(chain)
    await notice(chain, severity="Unknown")
    await chain.settle(at=HADAPSAR)
    _, third = await notice(chain, wards=["kothrud-bavdhan", "hadapsar-mundhwa"])
    assert (third.people, third.spared["weekly_budget"]) == (1, 1)
    _, matters = await notice(chain, severity="Moderate")
    assert (matters.people, matters.spared) == (1, {})


async def test_a_week_later_it_begins_anew(chain: Chain) -> None:
    await chain.settle()
    for _ in range(2):
        await notice(chain)
    assert (await notice(chain))[1].people == 0
    async with chain.house.store.writing() as session:
        for message in await session.scalars(select(Message).where(Message.released_at.is_not(None))):
            message.released_at = message.created_at - timedelta(days=7)
    assert (await notice(chain))[1].people == 1


async def test_what_follows_an_alert_is_neither_counted_nor_left_out(chain: Chain) -> None:
    await chain.settle()
    identifier, _ = await notice(chain)
    assert (await chain.updated(identifier, severity="Minor")).people == 1
    assert (await notice(chain))[1].people == 1  # the second alert, though the third message
    assert (await chain.updated(identifier, severity="Minor")).people == 1
    assert (await notice(chain))[1].people == 0


async def test_who_was_not_reached_has_heard_nothing(chain: Chain) -> None:
    await chain.settle(channels=("sms",))
    for _ in range(2):
        identifier, _ = await notice(chain)
        await chain.cancel(identifier, ALL_CLEAR)  # before anything left
    assert (await notice(chain))[1].people == 1


async def test_who_came_late_to_an_older_alert_heard_it_when_they_did(chain: Chain) -> None:
    identifiers = [(await notice(chain))[0] for _ in range(2)]
    async with chain.house.store.writing() as session:
        for message in await session.scalars(select(Message)):
            message.released_at = message.created_at - timedelta(days=8)
    await chain.settle()
    assert await Latecomers(chain.house.desk).look() == len(identifiers)
    assert (await notice(chain))[1].people == 0


async def test_alerts_of_one_event_do_not_use_up_the_week(chain: Chain) -> None:
    await chain.settle()
    expires = (await chain.request()).expires + timedelta(minutes=30)  # of no other notice
    await notice(chain)
    first, _ = await notice(chain, incident="burst", expires=expires)
    second, spared = await notice(chain, incident="burst", expires=expires - timedelta(hours=1))
    assert spared.spared == {"told_of_event": 1, "weekly_budget": 0}
    await chain.cancel(first, ALL_CLEAR)
    assert await Latecomers(chain.house.desk).look() == 1
    assert (await chain.report(second))["balanced"]
