"""What an operator sees and does: holding, letting go, trying again; the picture claims no more than is known."""

from __future__ import annotations

import pytest

from geoalert.alerts import find_alert
from geoalert.dispatch.again import try_again
from geoalert.dispatch.canary import ask_providers
from geoalert.dispatch.carrier import ANY_MESSAGE, ANYWHERE
from geoalert.dispatch.halts import halt, lift
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.overview import Overview, overview, work_left
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.errors import Conflict
from tests.integration.dispatch.conftest import Depot, outcomes

BY = "an operator"


async def _pause(depot: Depot, provider: str = ANYWHERE, *, emergencies: bool = False) -> bool:
    async with depot.chain.house.store.writing() as session:
        return await halt(session, provider, ANY_MESSAGE, Reason.PAUSED, BY, emergencies=emergencies)


async def _resume(depot: Depot) -> int:
    async with depot.chain.house.store.writing() as session:
        await lift(session, BY)
        return len(await resume_parked(session, depot.chain.house.desk.routes, BY))


async def _retry(depot: Depot, identifier: str, *, uncertain: bool = False) -> int:
    async with depot.chain.house.store.writing() as session:
        alert = await find_alert(session, identifier, lock=True)
        routes = depot.chain.house.desk.routes
        return len(await try_again(session, alert, routes, BY, uncertain=uncertain))


async def _look(depot: Depot) -> Overview:
    async with depot.chain.house.store.reading() as session:
        return await overview(session, depot.courier.channels.values())


async def test_a_pause_holds_routine_work_and_lets_emergencies_through(depot: Depot) -> None:
    await depot.settle(3)
    assert await _pause(depot)
    assert not await _pause(depot)
    routine, _ = await depot.chain.sent(channels=("push",))
    await depot.chain.broadcast(channels=("push",))
    await depot.carry()
    held, urgent = await depot.batches()
    assert (held.state, held.parked_for, set(outcomes(held))) == ("parked", Reason.PAUSED, {Outcome.PENDING})
    assert set(outcomes(urgent)) == {Outcome.ACCEPTED}
    seen = await _look(depot)
    assert [(stop.provider, stop.alert, stop.why, stop.by) for stop in seen.halts] == [("", "", "paused", BY)]
    assert [(row.alert, row.channel, row.why, row.recipients) for row in seen.set_aside] == [
        (routine, "push", "paused", 3)
    ]
    assert {row.state for row in seen.providers} == {"stands still"}
    assert await _resume(depot) == 1
    await depot.later()
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 6}
    assert (await _look(depot)).halts == []


async def test_a_pause_of_all_holds_emergencies_too(depot: Depot) -> None:
    await depot.settle(2)
    await _pause(depot, emergencies=True)
    await depot.chain.broadcast(channels=("push",))
    await depot.carry()
    assert await depot.outcomes() == {Outcome.PENDING: 2}
    await _resume(depot)
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 2}


async def test_who_is_in_doubt_is_told_again_only_when_somebody_wants_it(depot: Depot) -> None:
    await depot.settle(4, "sms")
    depot.spoil("twilio", "reset", times=2, processed=False)
    identifier, _ = await depot.chain.sent(channels=("sms",))
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 2, Outcome.UNCERTAIN: 2}
    assert await _retry(depot, identifier) == 0
    assert await _retry(depot, identifier, uncertain=True) == 1
    await depot.carry()
    assert await depot.outcomes() == {Outcome.ACCEPTED: 4}
    assert depot.seen("sms") == (6, 4, 0)  # no look-up among them
    (batch,) = await depot.batches()
    assert not batch.risk
    unsent = await depot.chain.approved()
    with pytest.raises(Conflict, match="live"):
        await _retry(depot, unsent)


async def test_one_alert_is_tried_again_and_no_other(depot: Depot) -> None:
    await depot.settle(1)
    await _pause(depot)
    first, _ = await depot.chain.sent(channels=("push",))
    await depot.chain.sent(channels=("push",))
    await depot.carry()
    async with depot.chain.house.store.writing() as session:
        await lift(session, BY)
    assert await _retry(depot, first) == 1
    await depot.carry()
    assert [batch.state for batch in await depot.batches()] == ["done", "parked"]


async def test_the_picture_tells_lanes_apart_and_how_providers_are(depot: Depot) -> None:
    await depot.settle(3)
    await depot.chain.sent(channels=("push",))
    await depot.later()
    await ask_providers(depot.courier.store, depot.courier.channels.values(), depot.courier.spread)
    seen = await _look(depot)
    assert [(queue.lane, queue.batches, queue.recipients) for queue in seen.queues] == [
        ("emergency", 0, 0),
        ("routine", 1, 3),
    ]
    assert seen.queues[1].oldest_s > 5
    states = {row.provider: row for row in seen.providers}
    assert {name: (row.channel, row.state, row.said) for name, row in states.items()} == {
        "fcm": ("push", "well", ""),
        "mastodon": ("post", "well", ""),
        "twilio": ("sms", "well", ""),
    }
    assert states["twilio"].balance == 100.0
    async with depot.chain.house.store.reading() as session:
        assert await work_left(session) == (1, 3)
    await depot.carry()
    async with depot.chain.house.store.reading() as session:
        assert await work_left(session) == (0, 0)
    assert {row.provider: row.used_today for row in (await _look(depot)).providers}["fcm"] == 3


async def test_a_provider_that_refuses_us_is_known_before_anybody_is_to_be_told(depot: Depot) -> None:
    depot.spoil("twilio", "status", status=401)
    await ask_providers(depot.courier.store, depot.courier.channels.values(), depot.courier.spread)
    assert {row.provider: row.said for row in (await _look(depot)).providers} == {
        "fcm": "",
        "mastodon": "",
        "twilio": "credential",
    }
    assert depot.seen("sms")[1] == 0


async def test_a_channel_nobody_knows_is_set_aside_with_its_reason(depot: Depot) -> None:
    await depot.settle(1)
    await depot.chain.sent(channels=("push",))
    await depot.change(Batch, channel=14)
    assert await depot.carry() == [None]
    batch = await depot.batch()
    assert (batch.state, batch.parked_for, outcomes(batch)) == ("parked", Reason.NO_CHANNEL, [Outcome.PENDING])
    assert [row.channel for row in (await _look(depot)).set_aside] == ["14"]
