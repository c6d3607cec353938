"""Noticing that the machine of PostgreSQL is gone: a cable that was cut sends no word of it.

Who waits for an answer would wait for ever. What was sent and never arrived is tried again by the kernel for a quarter
of an hour; a limit to that (TCP_USER_TIMEOUT) would also end connections to a server that is well and reads nothing for
a while, as it does where a COPY waits for somebody's lock.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.pool import ConnectionPoolEntry

# A quiet connection is probed after so many seconds, then again after so many, and so many probes without an answer end
# it. Not every system has all.
OPTIONS: Final[Mapping[str, int]] = MappingProxyType({"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3})


def notice_silence(engine: Engine) -> None:
    """From now on a connection of this engine that waits for a machine that is gone ends within half a minute."""
    event.listen(engine, "connect", _watch)


def _watch(connection: AdaptedConnection, _entry: ConnectionPoolEntry) -> None:
    connected = connection.driver_connection._transport.get_extra_info("socket")  # noqa: SLF001 - it has no other way
    if connected is None or connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return  # a socket of this machine: who is gone there is known at once
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in OPTIONS.items():
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
