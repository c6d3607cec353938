"""A connection to a machine that is gone does not last."""

from __future__ import annotations

import socket

import pytest

from geoalert.bootstrap import House
from geoalert.store import Store
from geoalert.store.copying import bare_connection
from geoalert.store.reach import OPTIONS
from tests.stores import ON_POSTGRESQL

pytestmark = ON_POSTGRESQL


@pytest.mark.parametrize("apart", [False, True])
async def test_every_connection_notices_silence(house: House, *, apart: bool) -> None:
    store: Store = house.store.apart(1) if apart else house.store
    async with store.writing() as session:
        connected = (await bare_connection(session))._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        found = {name: connected.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in OPTIONS}
        # It would also end a connection whose server is well and reads nothing for a while.
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
    assert found == dict(OPTIONS)
    if apart:
        await store.close()
