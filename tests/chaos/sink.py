"""A provider on a real socket that counts what a person would see, and the channel that reaches it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from geoalert.dispatch.channels.channel import (
    Checked,
    Chunk,
    Delivery,
    Idempotency,
    Notice,
    Prepared,
    Receipt,
    ReceiptRequest,
    SendResult,
    Traits,
    Verdict,
)
from geoalert.dispatch.channels.wire import LOST, NOT_BEGUN, NOT_CONNECTED
from geoalert.errors import Invalid

ONCE = frozenset({Idempotency.KEYED, Idempotency.REPLACED})


@dataclass
class Sink:
    """`shown` counts, by provider and address, the banners a person saw as new; `begun` is every send's moment by the
    monotonic clock, with its message.
    """

    delay: float = 0.0
    answers: Verdict = Verdict.ACCEPTED
    port: int = 0
    shown: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    begun: list[tuple[float, str]] = field(default_factory=list)
    _keys: set[tuple[str, str]] = field(default_factory=set)
    _refs: set[tuple[str, str]] = field(default_factory=set)
    _talks: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks[task] = writer
        try:
            while line := await reader.readline():
                asked = json.loads(line)
                known = self._lookup(asked) if asked["ask"] else await self._take(asked)
                writer.write(json.dumps({"known": known, "verdict": self.answers.value}).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # who asked was killed, perhaps in the middle of a line
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            del self._talks[task]

    def _lookup(self, asked: dict[str, Any]) -> bool:
        return (asked["provider"], asked["ref"]) in self._refs

    async def _take(self, asked: dict[str, Any]) -> bool:
        self.begun.append((time.monotonic(), asked["message"]))
        provider, key = asked["provider"], (asked["provider"], asked["key"])
        if not (Idempotency(asked["kind"]) in ONCE and key in self._keys):
            self.shown[provider][asked["address"]] += 1
        self._keys.add(key)
        self._refs.add((provider, asked["ref"]))
        await asyncio.sleep(self.delay)
        return True


@asynccontextmanager
async def listening(sink: Sink) -> AsyncIterator[Sink]:
    server = await asyncio.start_server(sink._talk, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sink
        for writer in sink._talks.values():
            writer.close()
        await asyncio.gather(*sink._talks)


@dataclass
class SinkChannel:
    """Sends one recipient after the other, and begins none once the chunk's time is over."""

    name: str
    provider: str
    kind: Idempotency
    port: int
    chunk: int = 2
    rate: float = 1_000.0
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # one line, one question at a time

    @property
    def traits(self) -> Traits:
        return Traits(
            idempotency=self.kind,
            chunk=self.chunk,
            rate=self.rate,
            in_flight=1,
            receipts=False,
            limit=100_000,
            unit="characters",
            rehearsal=True,
        )

    def prepare(self, notice: Notice) -> Prepared:
        return Prepared(notice, notice.headline, units=1)

    async def send(self, chunk: Chunk) -> list[SendResult]:
        loop = asyncio.get_running_loop()
        results = []
        for each in chunk.deliveries:
            async with self._turn:
                late = any(moment is not None and loop.time() >= moment for moment in (chunk.ends, chunk.begins))
                results.append(NOT_BEGUN if late else await self._send(chunk, each))
        return results

    async def _send(self, chunk: Chunk, each: Delivery) -> SendResult:
        try:
            reader, writer = await self._open()
        except OSError:
            return NOT_CONNECTED
        try:
            answer = await self._asked(reader, writer, chunk, each, ask=False)
        except (OSError, EOFError):
            self._line = None
            return LOST
        except asyncio.CancelledError:
            writer.close()
            self._line = None  # its answer may still come, and would be taken for the next one's
            raise
        return SendResult(Verdict(answer["verdict"]))

    async def lookup(self, chunk: Chunk) -> list[SendResult | None]:
        reader, writer = await self._open()
        answers = [await self._asked(reader, writer, chunk, each, ask=True) for each in chunk.deliveries]
        return [SendResult(Verdict(answer["verdict"])) if answer["known"] else None for answer in answers]

    async def _asked(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunk: Chunk, each: Delivery, *, ask: bool
    ) -> dict[str, Any]:
        asked = {
            "ask": ask,
            "provider": self.provider,
            "kind": self.kind.value,
            "key": each.key,
            "ref": each.ref,
            "address": each.address,
            "message": chunk.prepared.notice.message,
        }
        writer.write(json.dumps(asked).encode() + b"\n")
        await writer.drain()
        self.left(ask=ask)
        line = await reader.readline()
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    def left(self, *, ask: bool) -> None:
        """A request has left, and no answer has come."""

    async def check(self) -> Checked:
        return Checked(SendResult(Verdict.ACCEPTED))

    def parse_receipt(self, request: ReceiptRequest) -> list[Receipt]:
        del request
        raise Invalid("a sink has no receipts")

    async def close(self) -> None:
        if self._line is not None:
            self._line[1].close()
            with suppress(ConnectionError):
                await self._line[1].wait_closed()
            self._line = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._line is None:
            self._line = await asyncio.open_connection("127.0.0.1", self.port)
        return self._line
