"""Batches laid out for one fault each: who carries them, and what may have become of their people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select

from geoalert.alerts import find_alert, messages_of
from geoalert.dispatch.channels.channel import Idempotency
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import Route, plan_batches
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.tables import Batch
from geoalert.store import database_now
from geoalert.subscribers import make_person, register
from geoalert.subscribers.codes import CHANNELS, LANGUAGES
from geoalert.subscribers.person import Point
from tests.workbench import KOTHRUD, Chain

GROUP = 1_000
DOUBTFUL = frozenset({Outcome.SENDING, Outcome.UNCERTAIN})


@dataclass
class Cell:
    """One batch, given to a provider of its own. `marked` are those who stood as doubtful at a kill."""

    kind: Idempotency
    emergency: bool
    step: str
    provider: str
    batch: int
    addresses: list[str]  # by position
    kills: int = 0
    marked: set[int] = field(default_factory=set)

    @property
    def channel(self) -> str:
        return channel_of(emergency=self.emergency)

    def told_again(self, shown: Counter[str]) -> dict[int, int]:
        """By position how often the person was told again."""
        return {p: shown[a] - 1 for p, a in enumerate(self.addresses) if shown[a] > 1}


def channel_of(*, emergency: bool) -> str:
    """Emergencies have a channel of their own: nothing here is to give way to them."""
    return "sms" if emergency else "push"


async def settle(chain: Chain, count: int) -> list[tuple[int, dict[str, str]]]:
    """So many people, each with an address on both channels."""
    settled: list[tuple[int, dict[str, str]]] = []
    while len(settled) < count:
        numbers = [next(chain.numbers) for _ in range(min(GROUP, count - len(settled)))]
        addresses = [{"push": f"test-token-{number:06d}", "sms": f"+915{number:09d}"} for number in numbers]
        people = [
            make_person(addresses=each, channels=tuple(each), points=[Point(*KOTHRUD)], consent="test")
            for each in addresses
        ]
        async with chain.house.store.writing() as session:
            settled += zip(await register(session, people, "test"), addresses, strict=True)
    return settled


async def released(chain: Chain, severity: str) -> str:
    """An alert that went to nobody yet; batches are laid beside it."""
    identifier = await chain.approved(severity=severity, channels=("push", "sms"))
    await chain.send(identifier, confirm_empty=True)
    return identifier


async def lay(chain: Chain, identifier: str, channel: str, route: Route, owners: list[int]) -> list[int]:
    """Stores batches of the alert's newest message to these people; returns their ids."""
    count = len(owners)
    recipients = Recipients.of(
        np.array(owners, dtype=np.int64), np.full(count, CHANNELS[channel]), np.full(count, LANGUAGES["en"])
    )
    async with chain.house.store.writing() as session:
        message = (await messages_of(session, await find_alert(session, identifier)))[-1]
        now = await database_now(session)
        found = await plan_batches(session, message, recipients, {CHANNELS[channel]: route}, now)
        await chain.house.desk.engine.enqueue(session, found)
    return [announced.id for announced in found]


async def batch_of(chain: Chain, id_: int) -> Batch:
    async with chain.house.store.reading() as session:
        return (await session.scalars(select(Batch).where(Batch.id == id_))).one()
