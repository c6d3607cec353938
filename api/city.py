"""The city as the store has it at this request: an epoch imported a moment ago counts, in every process."""

from __future__ import annotations

from typing import Final

from fastapi import Depends

from api.security import HouseDep


async def current_city(house: HouseDep) -> None:
    """One row when nothing has changed."""
    await house.refresh()


CURRENT_CITY: Final = Depends(current_city)
