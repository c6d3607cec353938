"""A server that ends connections costs nobody a transaction, whichever end of them is known so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from geoalert.bootstrap import House
from geoalert.dispatch import receipts
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.receipts import Incoming, Intake
from geoalert.store import Store, open_store
from geoalert.store.copying import add_made
from geoalert.subscribers.tables import AreaPlace
from tests.chaos.fault_proxy import FAIR, FaultProxy, Weather, proxied
from tests.stores import ON_POSTGRESQL, administrator

pytestmark = ON_POSTGRESQL


async def server_process(store: Store, kind: str) -> int:
    """Who answers a transaction of that kind."""
    async with getattr(store, kind)() as session:
        return int((await session.execute(select(func.pg_backend_pid()))).scalar_one())


async def end(process: int) -> None:
    async with administrator() as admin:
        assert await admin.fetchval("SELECT pg_terminate_backend($1)", process)


@asynccontextmanager
async def behind_a_proxy(store: Store) -> AsyncIterator[tuple[Store, FaultProxy]]:
    url = store.engine.url
    assert url.port
    async with proxied(url.port) as proxy:
        address = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        behind = open_store(address, store.keys)
        behind.revision = store.revision
        yield behind, proxy
        await proxy.turn(FAIR)
        await behind.close()


@pytest.mark.parametrize("known", [True, False], ids=["of a known schema", "of any schema"])
@pytest.mark.parametrize("kind", ["writing", "reading", "looking"])
async def test_a_connection_that_the_server_ended_just_now_is_not_used_again(
    house: House, kind: str, *, known: bool
) -> None:
    if known:
        await house.require_current()
    assert (house.store.revision is not None) == known
    ended = {await server_process(house.store, kind)}
    for _ in range(3):
        await end(max(ended))
        again = await asyncio.wait_for(server_process(house.store, kind), 5)
        assert again not in ended
        ended |= {again}


@pytest.mark.parametrize("known", [True, False], ids=["of a known schema", "of any schema"])
@pytest.mark.parametrize("kind", ["writing", "reading", "looking"])
async def test_a_server_that_said_its_last_word_is_not_spoken_to_though_the_stream_is_open(
    house: House, kind: str, *, known: bool
) -> None:
    """The driver has read that it is over, and calls the connection open until the stream ends."""
    if known:
        await house.require_current()
    async with behind_a_proxy(house.store) as (behind, proxy):
        await proxy.turn(Weather(ends_lost=True))
        before = await server_process(behind, kind)
        await end(before)
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(server_process(behind, kind), 5) != before


async def test_a_copy_does_not_wait_for_a_connection_that_ended(house: House) -> None:
    names, long = ["subscriber_id", "label", "kind", "code"], "x" * 1_000
    async with behind_a_proxy(house.store) as (store, proxy):
        with pytest.raises(IntegrityError):  # the connection has asked about the table now
            async with store.writing() as session:
                await add_made(session, AreaPlace, names, 11, lambda: [(1, "home", "ward", "Z1")] * 11)

        async def copied() -> None:
            async with store.writing() as session:
                await proxy.turn(Weather(black_hole=True))  # more is written than anybody takes
                await add_made(session, AreaPlace, names, 20_000, lambda: [(1, long, "ward", "Z1")] * 20_000)

        copying = asyncio.create_task(copied())
        assert (await asyncio.wait({copying}, timeout=2))[1], "it waits"
        await proxy.turn(Weather(refuses=True))
        with pytest.raises(DBAPIError):
            await asyncio.wait_for(copying, 10)
        await proxy.turn(FAIR)
        assert await server_process(store, "writing")


async def test_receipts_do_not_wait_for_a_store_that_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with behind_a_proxy(house.store) as (store, proxy):
        intake = Intake(store)
        await intake.take([Incoming("fcm", 1, 0, Status.DELIVERED, "acknowledged")])
        monkeypatch.setattr(receipts, "PATIENCE", 0.5)
        await proxy.turn(Weather(black_hole=True))
        brought = [Incoming("fcm", 1, 1, Status.DELIVERED, "acknowledged")]
        ended, _ = await asyncio.wait({asyncio.create_task(intake.take(brought))}, timeout=10)
        assert [type(each.exception()) for each in ended] == [TimeoutError]
        await proxy.turn(FAIR)
        monkeypatch.setattr(receipts, "PATIENCE", 30.0)
        await intake.take(brought)
    async with house.store.reading() as session:
        assert await receipts.receipts_waiting(session) == 2
