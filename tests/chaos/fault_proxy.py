"""A network between two of ours that can be made to fail while it is used. No packet is lost in the middle of a stream:
what cannot pass waits, as behind a cut cable, and passes when the cable is mended.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

PART: Final = 65_536
# Closing a socket that lingers for no time sends a reset.
RESET: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network does. `reset_after`: as many bytes of answers pass on a connection before it is reset, 0: none
    at all, not even a request. `answers_lost`: requests pass, answers wait (half open). `ends_lost`: that a side has
    said its last word is not told to the other.
    """

    refuses: bool = False  # nobody listens, and who is connected is reset
    black_hole: bool = False
    answers_lost: bool = False
    ends_lost: bool = False
    delay: float = 0.0  # seconds for each part, either way
    reset_after: int | None = None
    trickle: int = 0  # bytes of answers a second; 0: as they come


FAIR: Final = Weather()


@dataclass(eq=False, slots=True)
class Talk:
    """One connection. `forgotten`: a device between the two lost it; nothing passes any more, and nobody is told."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    answered: int = 0
    forgotten: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer is None or writer.transport.is_closing():
                continue
            connected = writer.get_extra_info("socket")
            with suppress(OSError):
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


@dataclass
class FaultProxy:
    """Stands before `target`. `begun` counts the connections it took."""

    target: int
    port: int = 0
    weather: Weather = FAIR
    begun: int = 0
    _server: asyncio.Server | None = None
    _kept: socket.socket | None = None  # the port while nobody listens there: it must not become somebody else's
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _talks: dict[asyncio.Task[None], Talk] = field(default_factory=dict)

    async def turn(self, weather: Weather) -> None:
        """From now on it is like this, for those who are connected, too."""
        async with self._changed:
            self.weather = weather
            self._changed.notify_all()
        if weather.refuses:
            await self.close()
            self._kept = self._bound()
        elif self._server is None:
            await self.listen()

    async def listen(self) -> None:
        bound, self._kept = self._kept or self._bound(), None
        self._server = await asyncio.start_server(self._accept, sock=bound)
        self.port = bound.getsockname()[1]

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        return bound

    async def close(self) -> None:
        """Ends every connection, and takes none any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def forget(self) -> None:
        """Those who are connected now never hear of each other again; whoever comes anew gets through."""
        for talk in self._talks.values():
            talk.forgotten = True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(writer)
        task = asyncio.create_task(self._talk(talk, reader, writer))
        self._talks[task] = talk
        task.add_done_callback(self._talks.pop)
        self.begun += 1

    async def _talk(self, talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, talk.server = await asyncio.open_connection("127.0.0.1", self.target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(talk, reader, talk.server, answers=False))
                both.create_task(self._pass(talk, from_server, writer, answers=True))
        except* (ConnectionError, OSError):
            pass
        finally:
            talk.reset()

    async def _pass(
        self, talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while True:
            part = await reader.read(PART)
            await self._passable(talk, answers=answers)
            if self.weather.delay:
                await asyncio.sleep(self.weather.delay)
            if not part:
                await self._until(lambda: not self.weather.ends_lost)
                if writer.can_write_eof():
                    writer.write_eof()
                return
            if self.weather.reset_after is not None:
                part = self._until_reset(talk, part, answers=answers)
            await self._write(writer, part, slowly=answers)
            if answers:
                talk.answered += len(part)

    def _until_reset(self, talk: Talk, part: bytes, *, answers: bool) -> bytes:
        """What still passes; resets once it is nothing."""
        left = (self.weather.reset_after or 0) - talk.answered
        if left > 0:
            return part[:left] if answers else part
        raise ConnectionResetError

    async def _write(self, writer: asyncio.StreamWriter, part: bytes, *, slowly: bool) -> None:
        if not (slowly and self.weather.trickle):
            writer.write(part)
            await writer.drain()
            return
        for byte in part:
            writer.write(bytes([byte]))
            await writer.drain()
            if self.weather.trickle:
                await asyncio.sleep(1 / self.weather.trickle)

    async def _passable(self, talk: Talk, *, answers: bool) -> None:
        await self._until(
            lambda: not (talk.forgotten or self.weather.black_hole or (answers and self.weather.answers_lost))
        )

    async def _until(self, so: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(so)


@asynccontextmanager
async def proxied(target: int) -> AsyncIterator[FaultProxy]:
    """A proxy before a port of this machine, for the length of a block."""
    proxy = FaultProxy(target)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
