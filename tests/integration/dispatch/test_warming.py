"""A worker makes ready what its first chunk needs, and nothing else comes of it."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import select, text

from geoalert.dispatch.engine.seam import CONCURRENCY
from geoalert.dispatch.tables import Pace, ProviderHealth
from geoalert.dispatch.warming import warm
from tests.integration.dispatch.conftest import Depot
from tests.stores import ON_POSTGRESQL, administrator


async def connections(depot: Depot) -> int:
    async with administrator() as admin:
        name = depot.courier.store.engine.url.database
        return int(await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", name))


@pytest.mark.parametrize("known", [True, False], ids=["of a known schema", "of any schema"])
async def test_nothing_is_written(depot: Depot, caplog: pytest.LogCaptureFixture, *, known: bool) -> None:
    if known:
        await depot.chain.house.require_current()
    with caplog.at_level(logging.INFO, "geoalert.dispatch.warming"):
        await warm(depot.courier.store, list(depot.courier.channels.values()))
    assert not caplog.messages
    async with depot.courier.store.reading() as session:
        assert not [*await session.scalars(select(Pace)), *await session.scalars(select(ProviderHealth))]


@ON_POSTGRESQL
async def test_there_are_as_many_connections_as_a_lane_has_slots(depot: Depot) -> None:
    await warm(depot.courier.store, list(depot.courier.channels.values()))
    there = await connections(depot)
    assert there >= max(CONCURRENCY.values())
    await warm(depot.courier.store, list(depot.courier.channels.values()))
    assert await connections(depot) == there


async def test_a_store_that_fails_is_for_others_to_find(depot: Depot, caplog: pytest.LogCaptureFixture) -> None:
    store, (channel, *_) = depot.courier.store, depot.courier.channels.values()
    async with store.writing() as session:
        await session.execute(text("DROP TABLE provider_health"))
    with caplog.at_level(logging.INFO, "geoalert.dispatch.warming"):
        await warm(store, [channel])
    assert [message.split(":")[0] for message in caplog.messages] == ["begins cold"]
