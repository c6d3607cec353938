"""What goes wrong on purpose: shares that depend on the recipient only, and a script for the next requests."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from aiohttp import web

Kind = Literal["status", "reset", "reset_body", "hang", "trickle", "empty", "nonsense"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorBody = Callable[[int], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are of recipients, 0 to 1; a recipient always behaves the same."""

    unregistered: float = 0.0  # devices that dropped the app
    undelivered: float = 0.0  # SMS the carrier gives up on
    acknowledged: float = 0.5  # devices that tell us the message was shown
    duplicated: float = 0.1  # status callbacks sent twice
    disordered: float = 0.1  # messages whose callbacks come in reverse
    latency_ms: float = 0.0
    rate_limit: int = 0  # requests a second and provider; 0 is none


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted answer of `provider` (fcm, oauth, twilio, mastodon), for the next `times` requests.

    With `processed` the request is carried out first and only its answer is spoilt.
    """

    provider: str
    kind: Kind
    times: int = 1
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None  # None: the provider's own error body
    seconds: float = 30.0
    processed: bool = False


def share(salt: str, key: str) -> float:
    """A number in [0, 1) that depends on nothing but the key."""
    return int.from_bytes(hashlib.blake2b(f"{salt}\0{key}".encode(), digest_size=6).digest()) / 2**48


@dataclass(repr=False)
class Mischief:
    """The faults in force, and the middleware that carries them out."""

    faults: Faults = field(default_factory=Faults)
    script: deque[Fault] = field(default_factory=deque)
    bodies: dict[str, ErrorBody] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    _window: dict[str, tuple[int, int]] = field(default_factory=dict)

    def change(self, shares: Mapping[str, float]) -> None:
        known = {each.name for each in fields(Faults)}
        if unknown := set(shares) - known:
            raise ValueError(f"unknown faults: {', '.join(sorted(unknown))}")
        self.faults = replace(self.faults, **shares)  # type: ignore[arg-type]  # rate_limit is whole

    def plan(self, fault: Fault) -> None:
        if fault.kind not in get_args(Kind):
            raise ValueError(f"unknown kind: {fault.kind}")
        self.script.extend([replace(fault, times=1)] * fault.times)

    def guard(self, provider: str, handler: Handler) -> Handler:
        """The handler with latency, rate limit and script in front of it."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self.requests[provider] = self.requests.get(provider, 0) + 1
            if self.faults.latency_ms:
                await asyncio.sleep(self.faults.latency_ms / 1000)
            if self.faults.rate_limit and self._over(provider):
                return self._error(provider, 429, {"Retry-After": "1"})
            fault = self._next(provider)
            return await handler(request) if fault is None else await self._spoil(fault, request, handler)

        return guarded

    def _next(self, provider: str) -> Fault | None:
        for position, fault in enumerate(self.script):
            if fault.provider == provider:
                del self.script[position]
                return fault
        return None

    def _over(self, provider: str) -> bool:
        second = int(time.monotonic())
        begun, used = self._window.get(provider, (second, 0))
        used = used + 1 if begun == second else 1
        self._window[provider] = (second, used)
        return used > self.faults.rate_limit

    async def _spoil(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        if fault.processed:
            await handler(request)
        match fault.kind:
            case "status":
                return self._scripted(fault)
            case "empty":
                return web.Response(headers=fault.headers)
            case "nonsense":
                return web.json_response(text=fault.body or '["not", "what", "was", "asked"]')
            case "hang" | "trickle":
                return await _slow(request, fault)
            case "reset":
                return _cut(request, web.Response())
            case "reset_body":
                answer = web.StreamResponse(headers={"Content-Length": "1000"})
                await answer.prepare(request)
                await answer.write(b'{"name": "')
                await asyncio.sleep(0.01)
                return _cut(request, answer)

    def _scripted(self, fault: Fault) -> web.Response:
        if fault.body is None:
            return self._error(fault.provider, fault.status, fault.headers)
        headers = {"Content-Type": "text/html", **fault.headers}
        return web.Response(status=fault.status, headers=headers, body=fault.body.encode())

    def _error(self, provider: str, status: int, headers: Mapping[str, str]) -> web.Response:
        return web.json_response(self.bodies[provider](status), status=status, headers=headers)


async def _slow(request: web.Request, fault: Fault) -> web.StreamResponse:
    answer = web.StreamResponse()
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
        return answer
    await answer.prepare(request)
    ends = time.monotonic() + fault.seconds
    while time.monotonic() < ends and request.transport is not None:
        await answer.write(b" ")
        await asyncio.sleep(0.05)
    return answer


def _cut(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return answer
