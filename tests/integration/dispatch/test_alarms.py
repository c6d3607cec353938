"""What wakes a person, as the store shows it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event

from geoalert.dispatch.canary import ask_providers
from geoalert.dispatch.carrier import ANY_MESSAGE, ANYWHERE
from geoalert.dispatch.halts import halt
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import ProviderHealth
from geoalert.store import database_now
from tests.integration.dispatch.guard import Guard, another


async def test_a_check_that_goes_wrong_is_an_alarm_when_it_lasts(guard: Guard) -> None:
    watch = guard.watch()
    guard.depot.spoil("twilio", "status", times=9, status=500)

    async def asked(**time: float) -> list[tuple[str, str]]:
        guard.later(**time)
        await ask_providers(watch.store, watch.channels.values(), lambda: 0.5)
        await guard.look()
        return guard.pager.events

    assert await asked() == []
    assert await asked(seconds=61) == []
    assert await asked(seconds=61) == [("alarm", "check:twilio")]
    guard.depot.providers.sandbox.mischief.script.clear()
    assert await asked(seconds=61) == [("alarm", "check:twilio"), ("ended", "check:twilio")]


async def test_emergencies_that_wait_or_are_set_aside_and_providers_left_alone(guard: Guard) -> None:
    watch, depot = guard.watch(), guard.depot
    await depot.settle(1)
    await depot.chain.sent(channels=("push",))  # routine work may wait
    await depot.chain.broadcast(channels=("push",))
    guard.later(seconds=50)
    await guard.look()
    assert guard.pager.events == []
    guard.later(seconds=15)
    await guard.look()
    assert guard.pager.events == [("alarm", "lane:emergency")]
    async with watch.store.writing() as session:
        await halt(session, ANYWHERE, ANY_MESSAGE, Reason.PAUSED, "an operator", emergencies=True)
    await depot.carry()
    await guard.look()  # the pause is somebody's wish; that an emergency is set aside may not be
    assert sorted(guard.pager.events[1:]) == [("alarm", "parked:emergency"), ("ended", "lane:emergency")]
    await ask_providers(watch.store, watch.channels.values(), lambda: 0.5)
    async with watch.store.writing() as session:
        health = await session.get_one(ProviderHealth, "fcm")
        health.open_until = await database_now(session) + timedelta(seconds=150)
    await guard.look()
    guard.later(seconds=121)
    await guard.look()
    assert guard.pager.events[3:] == [("alarm", "alone:fcm")]


async def test_a_post_that_waits_for_the_cell_wakes_nobody(guard: Guard) -> None:
    guard.watch()
    await guard.depot.settle(1)
    await guard.depot.chain.sent(channels=("push", "post"), severity="Severe")
    await guard.depot.carry()
    await guard.look()
    waiting = {batch.parked_for for batch in await guard.depot.batches() if batch.state == "parked"}
    assert waiting == {Reason.AWAITS_PUBLISHER}
    assert guard.pager.events == []


async def test_a_low_balance_is_an_alarm(guard: Guard) -> None:
    watch = guard.watch()
    twilio = watch.channels["twilio"]
    twilio.low_balance = 200.0  # type: ignore[attr-defined]  # the sandbox has 100
    await ask_providers(watch.store, watch.channels.values(), lambda: 0.5)
    await guard.look()
    assert guard.pager.events == [("alarm", "balance:twilio")]
    async with another(guard) as house:  # a worker without this provider knows nothing of it
        there = guard.watch(house)
        there.channels = {"fcm": watch.channels["fcm"]}
        await guard.look()
        twilio.low_balance = 99.0  # type: ignore[attr-defined]
        await guard.look()
    assert guard.pager.events == [("alarm", "balance:twilio"), ("ended", "balance:twilio")]


async def test_a_look_at_which_nothing_is_new_is_one_statement(guard: Guard) -> None:
    watch = guard.watch()
    await guard.refuse_the_credential()
    await guard.look()
    said: list[str] = []
    engine = watch.store.engine.sync_engine

    def note(*asked: object) -> None:
        said.append(str(asked[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        await watch.look()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(said) == 1, said
