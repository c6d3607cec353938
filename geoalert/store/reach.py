"""Noticing that PostgreSQL cannot be reached any more: a cable that was cut sends no word of it.

Without this a question that is on its way waits for as long as the kernel tries again, a quarter of an hour, and
everything with it that waits for its turn.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.pool import ConnectionPoolEntry

# Seconds, but for the last two. A quiet connection is probed after KEEPIDLE, each KEEPINTVL, and KEEPCNT probes without
# an answer end it; what was sent and not received ends it after USER_TIMEOUT milliseconds. Not every system has all.
OPTIONS: Final[Mapping[str, int]] = MappingProxyType(
    {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}
)


def notice_silence(engine: Engine) -> None:
    """From now on a connection of this engine to a machine that is gone ends within half a minute."""
    event.listen(engine, "connect", _watch)


def _watch(connection: AdaptedConnection, _entry: ConnectionPoolEntry) -> None:
    connected = connection.driver_connection._transport.get_extra_info("socket")  # noqa: SLF001 - it has no other way
    if connected is None or connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return  # a socket of this machine: who is gone there is known at once
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in OPTIONS.items():
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
