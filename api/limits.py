"""What is turned away at the edge, before anything reads it: bodies that are too long, or of the wrong kind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem import problem

WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
DRAINED: Final = 16  # times the limit
PATIENCE: Final = 5.0  # seconds
HOOKS: Final = "/v1/hooks/"  # providers send what they send


class Limits:
    """Counts every body, declared or not; takes JSON only, but for the hooks."""

    def __init__(self, app: ASGIApp, longest: int) -> None:
        self.app = app
        self.longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        too_long = f"a body has at most {self.longest} bytes"
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self.longest:
            if "expect" not in headers:
                await self._drain(receive)
            await problem(413, too_long, headers={"Connection": "close"})(scope, receive, send)
            return
        has_body = declared != "0" or "transfer-encoding" in headers
        hook = scope["path"].startswith(HOOKS)
        if has_body and scope["method"] in WITH_BODY and not hook and not _json(headers.get("content-type", "")):
            await problem(415, "send the body as application/json")(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.longest:
                if message.get("more_body", False):
                    await self._drain(receive)
                raise HTTPException(413, too_long, {"Connection": "close"})
            return message

        await self.app(scope, counted, send)

    async def _drain(self, receive: Receive) -> None:
        """Throws away what is still coming, within reason: a client that is cut off in the middle of sending sees a
        broken connection and not our answer.
        """
        left = self.longest * DRAINED
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return


def _json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
