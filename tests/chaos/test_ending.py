"""What has ended does not leave: not a second after a cancel, and not at all once a message expired or was replaced."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from geoalert.alerts import find_alert, messages_of
from geoalert.alerts.tables import Message
from geoalert.dispatch.channels.channel import Idempotency
from geoalert.dispatch.courier import Courier
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Route
from geoalert.dispatch.worker import work
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD
from geoalert.store import database_now
from tests.chaos.cells import batch_of, lay, released, settle
from tests.chaos.extent import CANCELS, ENDED
from tests.chaos.sink import Sink, SinkChannel
from tests.figures import Figure
from tests.waiting import until
from tests.workbench import Chain

SEED = 18
PROVIDERS = {"push": "one", "sms": "two"}  # by channel
RATE = 20.0
CHUNK = 10  # as long as a chunk may be: half a second of the rate
SIZE = 60
LATE = 1.0  # seconds after the cancel's commit
BATCH = 500


def courier_of(chain: Chain, channels: list[SinkChannel]) -> Courier:
    return replace(chain.house.courier(), channels={channel.provider: channel for channel in channels})


async def message_of(chain: Chain, identifier: str) -> str:
    """What the newest message of the alert is called."""
    async with chain.house.store.reading() as session:
        alert = await find_alert(session, identifier)
        return (await messages_of(session, alert))[-1].identifier


async def test_after_a_cancel_no_send_begins(chain: Chain, sink: Sink, figure: Figure) -> None:
    """Two channels at work at once, each in chunks as long as the contract allows."""
    sink.delay = 1 / RATE
    channels = [
        SinkChannel(channel, name, Idempotency.REPLACED, sink.port, chunk=CHUNK, rate=RATE)
        for channel, name in PROVIDERS.items()
    ]
    chance = random.Random(SEED)  # noqa: S311 - a moment to cancel at
    alerts = [await released(chain, "Moderate") for _ in range(CANCELS)]
    owners = [owner for owner, _ in await settle(chain, SIZE)]
    courier, latest = courier_of(chain, channels), 0.0
    working = asyncio.create_task(work(courier, chain.house.desk.engine))
    for identifier in alerts:
        sink.begun.clear()
        name = await message_of(chain, identifier)
        ids = [
            (await lay(chain, identifier, channel, Route(name, SIZE), owners))[0] for channel, name in PROVIDERS.items()
        ]
        wanted = chance.randint(5, SIZE)
        await until(lambda wanted=wanted: len(sink.begun) >= wanted, "some are told")  # type: ignore[misc]
        await asyncio.sleep(chance.uniform(0.0, 0.5))
        await chain.cancel(identifier, ALL_CLEAR)
        cancelled = time.monotonic()

        async def done(ids: list[int] = ids) -> bool:
            return all([(await batch_of(chain, id_)).state == "done" for id_ in ids])

        await until(done, "the batches end")
        begun = [moment for moment, message in sink.begun if message == name]  # the all-clear leaves, too
        latest = max(latest, begun[-1] - cancelled)
        found = Counter([outcome for id_ in ids for outcome in (await batch_of(chain, id_)).outcomes])
        assert found == {Outcome.ACCEPTED: len(begun), Outcome.CANCELLED: SIZE * len(ids) - len(begun)}
        assert found[Outcome.CANCELLED] > 0
    courier.stopping.set()
    await working
    for channel in channels:
        await channel.close()
    assert latest <= LATE
    figure(f"{CANCELS} cancels: the last send began {max(0.0, latest):.2f} s after the commit")


async def expire(chain: Chain, identifier: str) -> None:
    async with chain.house.store.writing() as session:
        alert = await find_alert(session, identifier)
        ago = await database_now(session) - timedelta(seconds=1)
        await session.execute(update(Message).where(Message.alert_id == alert.id).values(expires=ago))


async def test_what_expired_or_was_replaced_never_leaves(chain: Chain, sink: Sink, figure: Figure) -> None:
    alerts = {end: await released(chain, "Moderate") for end in (Outcome.EXPIRED, Outcome.CANCELLED, Outcome.ACCEPTED)}
    owners = [owner for owner, _ in await settle(chain, ENDED // 2)]
    ids = {
        end: await lay(
            chain, identifier, "push", Route("one", BATCH), owners[: BATCH if end is Outcome.ACCEPTED else None]
        )
        for end, identifier in alerts.items()
    }
    await expire(chain, alerts[Outcome.EXPIRED])
    await chain.updated(alerts[Outcome.CANCELLED], texts=FLOOD)
    async with chain.house.store.reading() as session:
        alert = await find_alert(session, alerts[Outcome.CANCELLED])
        states = select(Message.state).where(Message.alert_id == alert.id).order_by(Message.number)
        assert (await session.scalars(states)).all() == ["superseded", "released"]

    channel = SinkChannel("push", "one", Idempotency.NONE, sink.port, chunk=BATCH, rate=10_000.0)
    courier = courier_of(chain, [channel])
    ended = [id_ for end in (Outcome.EXPIRED, Outcome.CANCELLED) for id_ in ids[end]]
    for start in range(0, len(ended), len(PROVIDERS)):
        await asyncio.gather(*(courier.carry(id_) for id_ in ended[start : start + len(PROVIDERS)]))
    assert sink.begun == []
    for end in (Outcome.EXPIRED, Outcome.CANCELLED):
        found = Counter([outcome for id_ in ids[end] for outcome in (await batch_of(chain, id_)).outcomes])
        assert found == {end: ENDED // 2}
    for id_ in ids[Outcome.ACCEPTED]:  # and what has not ended does leave
        await courier.carry(id_)
    await channel.close()
    live = min(BATCH, ENDED // 2)
    assert len(sink.begun) == live
    figure(f"of {ENDED:,} recipients whose message had expired or was replaced, {len(sink.begun) - live} were sent to")
