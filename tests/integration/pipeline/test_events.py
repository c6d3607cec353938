"""Several alerts of one event: who is inside several of them is told by one, and by the next when that one is over."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import Point
from sqlalchemy import select
from sqlalchemy import update as sql_update

from geoalert.alerts import find_alert, messages_of
from geoalert.dispatch.heard import heard
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.plan import PARKED
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.errors import Conflict, Invalid
from geoalert.operations import latecomers
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD
from geoalert.operations.latecomers import Latecomers
from geoalert.store import database_now
from geoalert.subscribers.person import Point as Home
from tests.changes import move_to
from tests.conftest import Providers
from tests.extent import seeded
from tests.workbench import HADAPSAR, KOTHRUD, Chain

BURST = "burst-at-parvati"
OUT_OF_TOWN = (73.70, 18.40)
OFFICES = (["kothrud-bavdhan"], ["hadapsar-mundhwa"])


async def later(chain: Chain, hours: float) -> datetime:
    async with chain.house.store.reading() as session:
        return await database_now(session) + timedelta(hours=hours)


async def ears(chain: Chain, *identifiers: str) -> Counter[int]:
    """By person how many messages of these alerts name them."""
    async with chain.house.store.reading() as session:
        chains = [await messages_of(session, await find_alert(session, identifier)) for identifier in identifiers]
        ids = [message.id for each in chains for message in each]
        hearers = await heard(session, Batch.message_id.in_(ids))
        return Counter(person for people in hearers.values() for person in people.tolist())


async def test_who_is_inside_three_alerts_of_one_event_gets_one(chain: Chain, providers: Providers) -> None:
    everywhere = await chain.settle(more_points=[Home(*HADAPSAR)])
    kothrud, hadapsar = await chain.settle(), await chain.settle(at=HADAPSAR)
    expires = await later(chain, 5)
    one, first = await chain.sent(wards=OFFICES[0], expires=expires, incident=BURST)
    two, second = await chain.sent(wards=OFFICES[1], expires=expires, incident=BURST, texts=FLOOD)
    with pytest.raises(Conflict, match="3 people were told of the event already"):
        await chain.sent(wards=[*OFFICES[0], *OFFICES[1]], expires=expires, incident=BURST)
    assert (first.people, second.people, second.spared["told_of_event"]) == (2, 1, 1)
    assert await ears(chain, one, two) == {everywhere: 1, kothrud: 1, hadapsar: 1}
    await chain.carry()
    assert providers.sandbox.channels()["push"]["accepted"] == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"severity": "Severe"},
        {"incident": "another"},
        {"incident": None},
        {"drill": True},
        {"category": "road"},
        {"longer": 1.0},
        {"earlier": 1.0},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_what_says_more_is_told(chain: Chain, changed: dict[str, Any]) -> None:
    person = await chain.settle()
    onset, expires = await later(chain, 2), await later(chain, 5)
    said: dict[str, Any] = {"onset": onset, "expires": expires, "incident": BURST}
    one, _ = await chain.sent(**said)
    if changed.get("longer"):
        said["expires"] += timedelta(hours=changed["longer"])
    elif changed.get("earlier"):
        said["onset"] -= timedelta(hours=changed["earlier"])
    else:
        said |= changed
    two, _ = await chain.sent(texts=FLOOD, **said)
    assert (await ears(chain, one, two))[person] == 2


async def test_what_says_less_is_not(chain: Chain) -> None:
    person = await chain.settle()
    one, _ = await chain.sent(severity="Severe", expires=await later(chain, 5), incident=BURST)
    two = await chain.approved(onset=await later(chain, 1), expires=await later(chain, 2), incident=BURST, texts=FLOOD)
    assert (await chain.send(two, confirm_empty=True)).spared == {"told_of_event": 1}
    assert (await ears(chain, one, two))[person] == 1


async def test_what_began_before_either_left_is_one_event(chain: Chain) -> None:
    person = await chain.settle()
    expires = await later(chain, 5)
    one, _ = await chain.sent(expires=expires, incident=BURST)
    two = await chain.approved(onset=await later(chain, -1), expires=expires, incident=BURST, texts=FLOOD)
    assert (await chain.send(two, confirm_empty=True)).spared == {"told_of_event": 1}
    assert (await ears(chain, one, two))[person] == 1


async def test_an_emergency_by_fewer_channels_does_not_speak_for_one_by_more(chain: Chain) -> None:
    person = await chain.settle(channels=("push", "sms"))
    expires = await later(chain, 5)
    said = {"severity": "Extreme", "expires": expires, "incident": "mutha"}
    one, _ = await chain.broadcast(channels=("push",), **said)
    two, both = await chain.broadcast(channels=("push", "sms"), **said)
    assert both.audience == 2
    with pytest.raises(Conflict, match="1 people were told"):
        await chain.broadcast(channels=("push", "sms"), **said, texts=ALL_CLEAR)
    assert (await ears(chain, one, two))[person] == 2


async def test_the_same_words_at_a_border_are_one_notice(chain: Chain) -> None:
    both = await chain.settle(more_points=[Home(*HADAPSAR)])
    expires = await later(chain, 5)
    one, _ = await chain.sent(wards=OFFICES[0], expires=expires)
    two = await chain.approved(wards=OFFICES[1], expires=expires)
    assert (await chain.send(two, confirm_empty=True)).spared == {"told_of_event": 1}
    assert (await ears(chain, one, two))[both] == 1


@pytest.mark.parametrize("ended", ["cancelled", "shrunk", "shortened"])
async def test_when_one_is_over_the_other_tells_whom_it_had_spared(chain: Chain, ended: str) -> None:
    both = await chain.settle(more_points=[Home(*HADAPSAR)])
    only = await chain.settle(at=HADAPSAR)
    expires = await later(chain, 5)
    one, _ = await chain.sent(wards=[*OFFICES[0], "warje-karvenagar"], expires=expires, incident=BURST)
    two, second = await chain.sent(wards=OFFICES[1], expires=expires, incident=BURST, texts=FLOOD)
    assert second.people == 1
    step = Latecomers(chain.house.desk)
    assert await step.look() == 0
    await chain.carry()
    if ended == "cancelled":
        await chain.cancel(one, ALL_CLEAR)
    elif ended == "shrunk":
        await chain.updated(one, wards=["warje-karvenagar"], expires=expires)
    else:
        await chain.updated(one, wards=OFFICES[0], expires=await later(chain, 1))
    assert await step.look() == 1
    assert await step.look() == 0
    assert await Latecomers(chain.house.desk).look() == 0
    assert await ears(chain, two) == {both: 1, only: 1}
    assert (await chain.report(two))["balanced"]


async def test_an_end_is_noticed_by_one_that_spared_nobody_when_it_left(chain: Chain) -> None:
    mover = await chain.settle(at=OUT_OF_TOWN)
    await chain.settle(at=HADAPSAR)
    expires = await later(chain, 5)
    two, _ = await chain.sent(wards=OFFICES[1], expires=expires, incident=BURST)
    await chain.settle()
    one, _ = await chain.sent(wards=[*OFFICES[0], *OFFICES[1]], expires=expires, incident=BURST, texts=FLOOD)
    step = Latecomers(chain.house.desk)
    await move_to(chain.house, mover, HADAPSAR)  # into both: told by one of them, whichever looks first
    assert await step.look() == 1
    assert (await ears(chain, one, two))[mover] == 1
    await chain.cancel(one, ALL_CLEAR)
    assert await step.look() == (1 if (await ears(chain, two))[mover] == 0 else 0)
    assert (await ears(chain, two))[mover] == 1


async def test_who_moves_out_of_the_first_into_the_second_is_told_by_both(chain: Chain) -> None:
    mover = await chain.settle()
    await chain.settle(at=HADAPSAR)
    expires = await later(chain, 5)
    one, _ = await chain.sent(wards=OFFICES[0], expires=expires, incident=BURST)
    two, _ = await chain.sent(wards=OFFICES[1], expires=expires, incident=BURST)
    await move_to(chain.house, mover, HADAPSAR)
    assert await Latecomers(chain.house.desk).look() == 1
    assert (await ears(chain, one, two))[mover] == 2


async def test_two_that_leave_at_once_tell_those_inside_both_once(chain: Chain) -> None:
    both = [await chain.settle(more_points=[Home(*HADAPSAR)]) for _ in range(3)]
    expires = await later(chain, 5)
    ready = [await chain.approved(wards=wards, expires=expires, incident=BURST) for wards in OFFICES]
    await asyncio.gather(*(chain.send(each, confirm_empty=True) for each in ready))
    assert await ears(chain, *ready) == dict.fromkeys(both, 1)


@seeded(3)
async def test_random_alerts_of_one_event_tell_everybody_inside_once(chain: Chain, seed: int) -> None:
    chance = np.random.default_rng(seed)
    spots = [(KOTHRUD[0] + chance.uniform(-0.02, 0.02), KOTHRUD[1] + chance.uniform(-0.02, 0.02)) for _ in range(40)]
    homes = {await chain.settle(at=spot): [spot] for spot in spots[:20]}
    for one, other in zip(spots[20::2], spots[21::2], strict=True):
        homes[await chain.settle(at=one, more_points=[Home(*other)])] = [one, other]
    expires = await later(chain, 5)
    areas, sent = [], []
    for _ in range(5):
        areas.append(Point(spots[chance.integers(len(spots))]).buffer(chance.uniform(0.004, 0.02)))
        drawn = {"wards": [], "drawn": json.loads(shapely.to_geojson(areas[-1])), "expires": expires, "incident": BURST}
        identifier = await chain.approved(**drawn)
        await chain.send(identifier, confirm_empty=True)
        sent.append(identifier)
    inside = {
        person for person, places in homes.items() if any(area.intersects(Point(at)) for area in areas for at in places)
    }
    assert inside
    assert await ears(chain, *sent) == dict.fromkeys(inside, 1)


@pytest.mark.parametrize("lesser", ["Minor", "Moderate"])
async def test_who_comes_into_two_at_once_is_told_by_one(chain: Chain, lesser: str) -> None:
    """Also where the lesser was drafted first, and where each speaks for the other."""
    await chain.settle()
    expires = await later(chain, 5)
    one, _ = await chain.sent(severity=lesser, expires=expires, incident=BURST)
    two = await chain.approved(severity="Moderate", expires=expires, incident=BURST, texts=FLOOD)
    await chain.send(two, confirm_empty=True)
    newcomer = await chain.settle()
    step = Latecomers(chain.house.desk)
    for _ in range(3):
        await step.look()
    assert (await ears(chain, one, two))[newcomer] == 1


async def test_who_signed_up_a_moment_before_the_next_alert_is_told_once(chain: Chain) -> None:
    first = await chain.settle()
    expires = await later(chain, 5)
    one, _ = await chain.sent(wards=OFFICES[0], expires=expires, incident=BURST)
    newcomer = await chain.settle(more_points=[Home(*HADAPSAR)])
    two = await chain.approved(wards=OFFICES[1], expires=expires - timedelta(hours=1), incident=BURST)
    assert (await chain.send(two, confirm_empty=True)).people == 0
    assert await Latecomers(chain.house.desk).look() == 1
    assert await ears(chain, one) == {first: 1, newcomer: 1}
    assert not await ears(chain, two)


async def test_whom_the_first_cannot_reach_the_second_tells(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    both = await chain.settle(channels=("sms", "push"), more_points=[Home(*HADAPSAR)])
    expires = await later(chain, 5)
    one, _ = await chain.sent(wards=OFFICES[0], expires=expires, incident=BURST, channels=("sms",))
    two = await chain.approved(wards=OFFICES[1], expires=expires, incident=BURST, channels=("push",))
    assert (await chain.send(two, confirm_empty=True)).people == 0
    async with chain.house.store.writing() as session:
        (batch,) = await session.scalars(select(Batch))
        await merge_outcomes(session, batch.id, {0: (Outcome.SENDING, Reason.NONE)})
        await merge_outcomes(session, batch.id, {0: (Outcome.FAILED, Reason.UNREACHABLE)})
    step = Latecomers(chain.house.desk)
    assert await step.look() == 0
    monkeypatch.setattr(latecomers, "COMPANY", timedelta(0))
    assert await step.look() == 1
    assert await ears(chain, one, two) == {both: 1}


async def test_what_is_parked_speaks_for_nothing(chain: Chain) -> None:
    await chain.settle()
    expires = await later(chain, 5)
    one, _ = await chain.sent(expires=expires, incident=BURST)
    async with chain.house.store.writing() as session:
        await session.execute(sql_update(Batch).values(state=PARKED, parked_for=Reason.TEMPLATE))
    assert (await chain.sent(expires=expires, incident=BURST, texts=FLOOD))[1].people == 1
    assert not await ears(chain, one)


async def test_a_repeat_needs_a_changed_fact(chain: Chain) -> None:
    await chain.settle()
    expires = await later(chain, 5)
    identifier, _ = await chain.sent(expires=expires)
    with pytest.raises(Conflict, match="nothing has changed since the message in force"):
        await chain.updated(identifier, expires=expires)
    with pytest.raises(Conflict, match=f"alert {identifier} is live and says exactly this"):
        await chain.sent(expires=expires, channels=("sms",))
    await chain.carry()
    assert (await chain.updated(identifier, expires=expires + timedelta(minutes=1))).people == 1
    await chain.cancel(identifier, ALL_CLEAR)
    assert (await chain.sent(expires=expires))[1].people == 1  # after the all-clear it is news again


async def test_a_broadcast_pressed_twice_leaves_once(chain: Chain, providers: Providers) -> None:
    await chain.settle()
    expires = await later(chain, 5)
    identifier, _ = await chain.broadcast(expires=expires)
    with pytest.raises(Conflict, match=identifier):
        await chain.broadcast(expires=expires)
    await chain.carry()
    assert providers.sandbox.channels()["push"]["accepted"] == 1


@pytest.mark.parametrize("name", ["", "two words", "-dash", "नदी", "x" * 61, "a,b"])
async def test_an_incident_has_a_plain_name(chain: Chain, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await chain.drafted(incident=name)
    assert refused.value.pointer == "/incident"
