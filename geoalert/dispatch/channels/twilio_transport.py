"""The Twilio SDK on our own session: it builds requests and reads answers, and does not send.

Its asynchronous client ignores the timeout, hides `Retry-After`, logs addresses and lets TWILIO_EDGE and
TWILIO_REGION redirect it. Here one call is one request within the chunk's deadline, and everything but a JSON
success leaves the SDK as `Stopped`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import encode_basic_auth
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from geoalert.dispatch.channels.answers import NONSENSE
from geoalert.dispatch.channels.channel import SendResult
from geoalert.dispatch.channels.wire import Answer, Wire

_LIMIT = 1024 * 1024  # bytes: a page of a list is longer than other answers


class Stopped(Exception):  # noqa: N818 - an answer, not a fault of ours
    """What came in place of a success."""

    def __init__(self, answer: Answer | SendResult) -> None:
        super().__init__("no success")
        self.answer = answer


class Transport(AsyncHttpClient):  # type: ignore[misc]  # twilio ships no types
    """The SDK's requests on a channel's wire, until `ends`."""

    def __init__(self, wire: Wire, ends: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._wire = wire
        self._ends = ends

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the SDK's signature; the chunk's deadline holds
        allow_redirects: bool = False,
    ) -> Response:
        del timeout, allow_redirects
        own = {"Authorization": encode_basic_auth(*auth)} if auth else {}
        answer = await self._wire.request(
            method,
            uri,
            ends=self._ends,
            headers={**(headers or {}), **own},
            params={name: str(value) for name, value in (params or {}).items()},
            data=urlencode(data, doseq=True).encode() if data else None,
            limit=_LIMIT,
        )
        if isinstance(answer, SendResult) or not answer.ok:
            raise Stopped(answer)
        if not answer.json():
            raise Stopped(NONSENSE)
        return Response(answer.status, answer.body.decode(), answer.headers)


def api(account: str, token: str, endpoint: str, wire: Wire, ends: float) -> Client:
    """The SDK for one account, until `ends`."""
    client = Client(account, token, http_client=Transport(wire, ends))
    client.edge = client.region = None
    client.api.base_url = endpoint
    return client
