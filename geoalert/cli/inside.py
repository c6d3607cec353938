"""Doing one thing in an open house, as whoever the credential names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.bootstrap import House, open_house
from geoalert.departments import Actor, authenticate
from geoalert.errors import Unauthorised

T = TypeVar("T")
VARIABLE = "GEOALERT_CREDENTIAL"


def in_house(work: Callable[[House], Awaitable[T]], *, current: bool = True) -> T:
    """Runs `work` in an open house; refuses a store of another schema unless told not to look."""

    async def run() -> T:
        async with open_house() as house:
            if current:
                await house.require_current()
            return await work(house)

    return asyncio.run(run())


async def acting(session: AsyncSession) -> Actor:
    """Whoever holds the credential in GEOALERT_CREDENTIAL; never taken from the command line, where others see it.

    Raises:
        Unauthorised: there is none, or it is not valid.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        raise Unauthorised(f"put your credential in the environment as {VARIABLE}")
    return await authenticate(session, text)
