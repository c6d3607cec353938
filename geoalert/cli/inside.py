"""Doing one thing in an open house, as whoever the credential names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.bootstrap import House, city_as_held, open_house
from geoalert.departments import Actor, authenticate
from geoalert.errors import Unauthorised
from geoalert.settings import Settings
from geoalert.wards import City

T = TypeVar("T")
VARIABLE = "GEOALERT_CREDENTIAL"


def in_house(
    work: Callable[[House], Awaitable[T]],
    *,
    current: bool = True,
    create: bool = False,
    settings: Settings | None = None,
) -> T:
    """Runs `work` in an open house; refuses a store that is not there, and one of another schema, unless told so."""

    async def run() -> T:
        async with open_house(settings, create=create) as house:
            if current:
                await house.require_current()
                await house.refresh()
            return await work(house)

    return asyncio.run(run())


def held_city(settings: Settings | None = None) -> City:
    """The city as commands that need no house see it: by the store's epochs where there is a store."""
    return asyncio.run(city_as_held(settings or Settings()))


async def acting(session: AsyncSession) -> Actor:
    """Whoever holds the credential in GEOALERT_CREDENTIAL; never taken from the command line, where others see it.

    Raises:
        Unauthorised: there is none, or it is not valid.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        raise Unauthorised(f"put your credential in the environment as {VARIABLE}")
    return await authenticate(session, text)
