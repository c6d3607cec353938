"""The proxy does to a stream what its weather says, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.chaos.fault_proxy import FAIR, FaultProxy, Weather, proxied

SHORT = 0.2
WORDS = b"0123456789"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(100):
            writer.write(part)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, proxied(server.sockets[0].getsockname()[1]) as opened:
        yield opened


async def heard(proxy: FaultProxy, limit: float = 5.0) -> bytes:
    """What comes back of the words, until all did, the line broke, or it took too long."""
    found = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    except ConnectionRefusedError:
        return found
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(limit):
            writer.write(WORDS)
            while len(found) < len(WORDS) and (part := await reader.read(100)):
                found += part
    writer.close()
    return found


@pytest.mark.parametrize(
    ("weather", "comes"),
    [
        (Weather(black_hole=True), b""),
        (Weather(answers_lost=True), b""),
        (Weather(refuses=True), b""),
        (Weather(reset_after=0), b""),
        (Weather(reset_after=4), WORDS[:4]),
        (Weather(delay=2 * SHORT), b""),
        (Weather(trickle=10), WORDS[:2]),
    ],
    ids=str,
)
async def test_weather(proxy: FaultProxy, weather: Weather, comes: bytes) -> None:
    await proxy.turn(weather)
    found = await heard(proxy, SHORT)
    assert found == comes or (weather.trickle and 0 < len(found) < len(WORDS))
    await proxy.turn(FAIR)
    assert await heard(proxy) == WORDS


async def test_what_a_cut_held_up_passes_when_it_is_mended(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    await proxy.turn(Weather(black_hole=True))
    writer.write(WORDS)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), SHORT)
    await proxy.turn(FAIR)
    assert await asyncio.wait_for(reader.readexactly(len(WORDS)), 5) == WORDS
    writer.close()


async def test_who_is_forgotten_hears_nothing_and_others_do(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(WORDS)
    assert await reader.readexactly(len(WORDS)) == WORDS
    proxy.forget()
    began = time.monotonic()
    writer.write(WORDS)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), SHORT)
    assert time.monotonic() - began >= SHORT
    assert await heard(proxy) == WORDS
    writer.close()
