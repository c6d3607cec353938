"""Why nobody would be told: what an officer has to know before they confirm that a message leaves all the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience import LEFT_OUT, Aim, Finder, ruled

SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "paused": "are paused",
        "no_consent": "gave no consent",
        "category": "did not choose the category",
        "min_severity": "hear only of what is more severe",
        "no_channel": "have none of its channels",
        "told_of_event": "were told of the event already",
        "weekly_budget": "heard as many alerts as they are to hear in a week",
    }
)


async def why_nobody(session: AsyncSession, aim: Aim, now: datetime, find: Finder, spared: Mapping[str, int]) -> str:
    """Whether anybody lives there at all, and what leaves them out; `spared` as a release counts them."""
    people = await find(session, aim.area, aim.ground_of)
    if not len(people):
        return "no subscriber is reached by this area"
    why = ruled(people, aim, now).why
    counts = dict(zip(LEFT_OUT, np.bincount(why[why >= 0], minlength=len(LEFT_OUT)).tolist(), strict=True))
    reasons = [f"{number} people {SAID[reason]}" for reason, number in (counts | dict(spared)).items() if number]
    return f"of {len(people)} inside, {', '.join(reasons)}"
