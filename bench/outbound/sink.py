"""A provider that takes everything: FCM's requests over loopback, answered after a while, counted by message and token.

    python -m bench.outbound.sink PORT LATENCY_MS

Raw asyncio, so that what is measured is the sender. `GET /seen` is what arrived, `POST /forget` begins anew.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(rb'"token": ?"([^"]+)"')
MESSAGE = re.compile(rb'"message": ?"([^"]+)"')
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
BUCKET = 0.1  # seconds


@dataclass
class Seen:
    """By message what arrived. Times are of the system clock, so that other processes can compare."""

    first: dict[bytes, float] = field(default_factory=dict)
    last: dict[bytes, float] = field(default_factory=dict)
    requests: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    tokens: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    by_time: dict[bytes, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def take(self, body: bytes) -> None:
        token, message = TOKEN.search(body), MESSAGE.search(body)
        if token is None:
            return
        name = message[1] if message else b""
        now = time.time()
        self.first.setdefault(name, now)
        self.last[name] = now
        self.requests[name] += 1
        self.tokens[name].add(token[1])
        self.by_time[name][int(now / BUCKET)] += 1

    def document(self) -> dict[str, Any]:
        return {
            name.decode(): {
                "first": self.first[name],
                "last": self.last[name],
                "requests": self.requests[name],
                "tokens": len(self.tokens[name]),
                "by_time": dict(self.by_time[name]),
            }
            for name in self.first
        }


class Peer(asyncio.Protocol):
    def __init__(self, seen: Seen, latency: float) -> None:
        self.seen, self.latency, self.rest = seen, latency, b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            found = LENGTH.search(self.rest, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.rest) < whole:
                return
            request, self.rest = self.rest[:whole], self.rest[whole:]
            self._answer(request[:end], request[end + 4 :])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /seen"):
            self._write(json.dumps(self.seen.document()).encode())
        elif head.startswith(b"POST /forget"):
            self.seen.__init__()  # type: ignore[misc]  # begins anew
            self._write(b"{}")
        elif head.startswith(b"POST /token"):
            self._write(b'{"access_token": "t", "expires_in": 3599, "token_type": "Bearer"}')
        else:
            self.seen.take(body)
            answer = b'{"name": "projects/p/messages/0:1"}'
            asyncio.get_running_loop().call_later(self.latency, self._write, answer)

    def _write(self, body: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)


async def main(port: int, latency: float) -> None:
    seen = Seen()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(seen, latency), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
