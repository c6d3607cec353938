"""One application with every protocol, its inbox and its control."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from geoalert.errors import Invalid
from geoalert.sandbox.credentials import Credentials
from geoalert.sandbox.faults import Fault, Faults, Mischief
from geoalert.sandbox.fcm import Fcm
from geoalert.sandbox.inbox import Inbox
from geoalert.sandbox.mastodon import Mastodon
from geoalert.sandbox.outbound import Outbound
from geoalert.sandbox.page import page
from geoalert.sandbox.phones import Phones
from geoalert.sandbox.twilio import Twilio

_PROVIDERS = {"push": "fcm", "sms": "twilio", "post": "mastodon"}
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_BACKLOG = 1024


@dataclass(repr=False)
class Sandbox:
    """The parts of one sandbox. Tests reach them through `application[SANDBOX]`.

    Neither it nor its parts write themselves out: they hold numbers and tokens, thousands of them, and each the others.
    A test that fails writes what it holds; of one such it was gigabytes.
    """

    credentials: Credentials
    mischief: Mischief
    inbox: Inbox = field(default_factory=Inbox)
    outbound: Outbound = field(default_factory=Outbound)
    phones: Phones = field(init=False)
    fcm: Fcm = field(init=False)
    twilio: Twilio = field(init=False)
    mastodon: Mastodon = field(init=False)

    def __post_init__(self) -> None:
        self.phones = Phones(self.inbox, self.outbound, self.mischief)
        self.fcm = Fcm(self.credentials, self.inbox, self.mischief, self.phones)
        self.twilio = Twilio(self.credentials, self.inbox, self.mischief, self.outbound)
        self.mastodon = Mastodon(self.credentials, self.inbox, self.mischief)

    def routes(self) -> list[web.RouteDef]:
        return [
            *self.fcm.routes(),
            *self.twilio.routes(),
            *self.mastodon.routes(),
            web.get("/", self.show),
            web.get("/inbox.json", self.report),
            web.get("/inbox/recipients.json", self.recipients),
            web.post("/control", self.control),
            web.get("/healthz", self.health),
        ]

    def channels(self) -> dict[str, dict[str, int]]:
        requests = self.mischief.requests
        return {name: self.inbox.channel(name, requests.get(via, 0)) for name, via in _PROVIDERS.items()}

    async def show(self, _: web.Request) -> web.Response:
        return web.Response(text=page(self.inbox, self.channels()), content_type="text/html", headers=_POLICY)

    async def report(self, _: web.Request) -> web.Response:
        calls = self.outbound
        return web.json_response(
            {
                "channels": self.channels(),
                "messages": {key: told.summary() for key, told in self.inbox.told.items()},
                "callbacks": {
                    "sent": calls.sent,
                    "waiting": calls.waiting,
                    "failed": calls.failed,
                    "dropped": calls.dropped,
                },
            }
        )

    async def recipients(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.inbox.recipients.get(request.query.get("channel", "push"), ())))

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def control(self, request: web.Request) -> web.Response:
        """Changes the sandbox while it runs: `clear`, `faults`, `script`, `expire_tokens`, `api_base`."""
        try:
            self._change(await request.json())
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=422)
        return web.json_response({"status": "ok"})

    def _change(self, wanted: dict[str, object]) -> None:
        if wanted.get("clear"):
            self._clear()
        if isinstance(shares := wanted.get("faults"), dict):
            self.mischief.change(shares)
        if isinstance(script := wanted.get("script"), list):
            for fault in script:
                self.mischief.plan(Fault(**fault))
        if wanted.get("expire_tokens"):
            self.fcm.tokens.clear()
        if "api_base" in wanted:
            self.phones.api_base = str(wanted["api_base"])

    def _clear(self) -> None:
        self.inbox.clear()
        self.phones.clear()
        self.twilio.by_number.clear()
        self.mastodon.posts.clear()
        self.mastodon.keys.clear()
        self.mischief.script.clear()
        self.mischief.requests.clear()


SANDBOX = web.AppKey("sandbox", Sandbox)


def create_sandbox(credentials: Credentials, *, faults: Faults | None = None, api_base: str = "") -> web.Application:
    """Every provider in one application. `api_base` is where simulated phones acknowledge."""
    sandbox = Sandbox(credentials, Mischief(faults or Faults()))
    sandbox.phones.api_base = api_base
    application = web.Application()
    application[SANDBOX] = sandbox
    application.add_routes(sandbox.routes())
    application.cleanup_ctx.append(_calling)
    return application


async def _calling(application: web.Application) -> AsyncIterator[None]:
    async with application[SANDBOX].outbound.working():
        yield


def listen(host: str = "127.0.0.1", port: int = 0, *, anywhere: bool = False) -> socket.socket:
    """A bound socket; port 0 takes a free one.

    Raises:
        Invalid: the host is not this machine's loopback, and `anywhere` was not asked for.
    """
    if not anywhere and not ipaddress.ip_address(host).is_loopback:
        raise Invalid("The sandbox answers on loopback only: anybody reaching it could read its inbox.")
    return socket.create_server((host, port), backlog=_BACKLOG)


@asynccontextmanager
async def running(
    credentials: Credentials, bound: socket.socket, *, faults: Faults | None = None, api_base: str = ""
) -> AsyncIterator[Sandbox]:
    """A sandbox for the length of a block, on a socket from `listen`."""
    application = create_sandbox(credentials, faults=faults, api_base=api_base)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, bound).start()
        yield application[SANDBOX]
    finally:
        await runner.cleanup()


async def serve(
    credentials: Credentials,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: Faults | None = None,
    api_base: str = "",
    anywhere: bool = False,
) -> None:
    """Runs until cancelled."""
    bound = listen(host, port, anywhere=anywhere)
    async with running(credentials, bound, faults=faults, api_base=api_base):
        await asyncio.Event().wait()
