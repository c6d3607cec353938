"""Nobody waits for ever: what has not been answered by its deadline is called off, and that is said."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import unavailable
from api.problem import problem

SLOW: Final = "the request did not arrive in time; send it again"
UNKNOWN: Final = (
    "no answer in time, and it is not known whether this took effect; send it again with the same Idempotency-Key, or"
    " look before you repeat it"
)


class Deadline:
    """Answers 503 where the store falls silent (a cut cable, a server that hangs), and 408 where the client does.

    Whether a request that was called off took effect is not known, as with any lost connection: with the same
    `Idempotency-Key` it may be sent again. On SQLite the statement that is under way is waited for.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = hearing = False

        async def heard() -> Message:
            nonlocal hearing
            hearing = True
            message = await receive()
            hearing = False
            return message

        async def said(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds) as deadline:
                await self.app(scope, heard, said)
        except TimeoutError as error:
            if begun or not deadline.expired():
                raise
            late = problem(408, SLOW, headers={"Connection": "close"}) if hearing else unavailable(error, UNKNOWN)
            await late(scope, receive, send)
