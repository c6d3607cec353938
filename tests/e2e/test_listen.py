"""The socket that answers leave by."""

from __future__ import annotations

import socket

from geoalert.cli.serve import listen


def test_connections_send_at_once() -> None:
    """Otherwise each answer waits 40 ms for an acknowledgement on its way."""
    with listen("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
