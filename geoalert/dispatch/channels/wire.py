"""One pooled HTTP session per channel: a deadline, no redirects, no retries, nothing logged.

It tells apart what dispatch must tell apart: nothing left this machine, or the request left and no answer came.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from geoalert.dispatch.channels.answers import NONSENSE
from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.reasons import Reason

ANSWER_LIMIT = 64 * 1024
NOT_CONNECTED = SendResult(Verdict.RETRY, Reason.NOT_CONNECTED)
NOT_BEGUN = SendResult(Verdict.RETRY, Reason.NOT_BEGUN)  # the time was over before this delivery's turn
TIMED_OUT = SendResult(Verdict.UNCERTAIN, Reason.TIMEOUT)
LOST = SendResult(Verdict.UNCERTAIN, Reason.CONNECTION_LOST)

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer; a body over the limit is left empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - what HTTP calls success

    def json(self) -> dict[str, object]:
        """The body as a JSON object; empty when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class Wire:
    """Requests of one channel, `in_flight` at a time. The session is made at the first request."""

    def __init__(self, in_flight: int, deadline: float) -> None:
        self.in_flight = in_flight
        self.deadline = deadline
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(in_flight)  # of all chunks that are carried at one time

    def ends(self, latest: float | None = None) -> float:
        """When a chunk begun now must be over, in the loop's time; never after `latest`."""
        ends = asyncio.get_running_loop().time() + self.deadline
        return ends if latest is None else min(ends, latest)

    async def request(
        self,
        method: str,
        url: str,
        *,
        ends: float,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        limit: int = ANSWER_LIMIT,
    ) -> Answer | SendResult:
        """The provider's answer, or what is known without one. `ends` is in the loop's time."""
        left = ends - asyncio.get_running_loop().time()
        if left <= 0:
            return NOT_BEGUN
        timeout = aiohttp.ClientTimeout(total=left, connect=left / 2)
        try:
            async with self._open().request(
                method, url, headers=headers, params=params, data=data, timeout=timeout, allow_redirects=False
            ) as response:
                return Answer(response.status, response.headers, await _limited(response, limit))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return NOT_CONNECTED
        except TimeoutError:
            return TIMED_OUT
        except (aiohttp.ClientResponseError, aiohttp.http_exceptions.HttpProcessingError):
            return NONSENSE
        except (aiohttp.ClientError, OSError):
            return LOST

    async def carry(
        self,
        items: Sequence[Item],
        call: Callable[[Item], Awaitable[Result]],
        *,
        ends: float,
        unbegun: Result,
        final: Callable[[Result], bool],
        begins: float | None = None,
    ) -> list[Result]:
        """`call(item)` for each item, results in order, begun so that `ends` can be kept.

        Items whose turn does not come before `begins`, or in half of what is left, are `unbegun`: each that begins
        has time to be answered. After a `final` result the rest take it over without a request.
        """
        loop = asyncio.get_running_loop()
        latest = (loop.time() + ends) / 2 if begins is None else min(begins, (loop.time() + ends) / 2)
        results = [unbegun] * len(items)
        turns = iter(range(len(items)))
        ended: list[Result] = []

        async def lane() -> None:
            while not ended and loop.time() < latest:
                async with self._slots:
                    if ended or loop.time() >= latest or (turn := next(turns, None)) is None:
                        return
                    results[turn] = await call(items[turn])
                    if final(results[turn]):
                        ended.append(results[turn])

        async with asyncio.TaskGroup() as lanes:
            for _ in range(min(self.in_flight, len(items))):
                lanes.create_task(lane())
        return [ended[0] if result is unbegun else result for result in results] if ended else results

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.in_flight, keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


async def _limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > limit:
            response.close()
            return b""
    return bytes(body)


def misconfigured(result: SendResult) -> bool:
    """Whether every other recipient would get the same answer."""
    return result.verdict is Verdict.MISCONFIGURED
