"""A message in mid-dispatch, as some moment left it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from geoalert.dispatch.courier import Courier
from geoalert.dispatch.health import fresh
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.tables import Batch
from geoalert.store import database_now
from tests.integration.dispatch.conftest import Depot
from tests.integration.dispatch.scripted import Scripted

SECOND: Final = timedelta(seconds=1)


async def told(depot: Depot, people: int, *providers: Scripted, severity: str = "Extreme") -> Courier:
    """So many people of a released message, and a courier with these providers."""
    await depot.settle(people, "sms")
    if severity == "Extreme":
        await depot.chain.broadcast(channels=("sms",))
    else:
        await depot.chain.sent(channels=("sms",), severity=severity)
    return replace(depot.courier, channels={each.provider: each for each in providers})


async def stands(depot: Depot, outcomes: Sequence[Outcome], **values: Any) -> None:
    """As an outage left the batch."""
    size = len(outcomes)
    await depot.change(Batch, outcomes=bytes(outcomes), reasons=bytes(size), **({"provider": "a"} | values))


async def known(depot: Depot, provider: str, **values: Any) -> None:
    """How a provider was seen; a function is of the database's clock."""
    async with depot.chain.house.store.writing() as session:
        now = await database_now(session)
        row = fresh(provider, now)
        for name, value in values.items():
            setattr(row, name, value(now) if callable(value) else value)
        session.add(row)


def ago(seconds: float = 0.0) -> Callable[[datetime], datetime]:
    return lambda now: now - seconds * SECOND


async def rounds(depot: Depot, courier: Courier, count: int = 1) -> None:
    for _ in range(count):
        for batch in await depot.batches():
            await courier.carry(batch.id)
        await depot.later()
