"""What becomes of one person's entries in a message, brought about and looked at."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from geoalert.alerts import find_alert, messages_of
from geoalert.audience import audience_hash
from geoalert.dispatch.channels.channel import Status
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.packed import packed
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.receipts import Incoming, Intake, fold_receipts
from geoalert.dispatch.standing import Standing, standings
from geoalert.dispatch.tables import Batch
from geoalert.report import prove
from geoalert.subscribers.codes import CHANNEL_NAMES, CHANNELS
from tests.workbench import Chain

OVER = timedelta(minutes=5, seconds=1)  # what a Severe message waits by default, and a little


async def entries(chain: Chain, identifier: str, person: int) -> dict[str, Standing]:
    """By channel, in the newest message of the alert."""
    async with chain.house.store.reading() as session:
        last = (await messages_of(session, await find_alert(session, identifier)))[-1]
        found = await standings(session, [last.id], person)
    assert len({entry.channel for entry in found}) == len(found)
    return {CHANNEL_NAMES[entry.channel]: entry for entry in found}


async def _places(chain: Chain, person: int, channel: str) -> list[tuple[int, int]]:
    async with chain.house.store.reading() as session:
        batches = await session.scalars(select(Batch).where(Batch.channel == CHANNELS[channel]).order_by(Batch.id))
        return [(batch.id, recipients_of(batch).index(person)) for batch in batches if person in recipients_of(batch)]


async def say(
    chain: Chain, person: int, status: Status, *, channel: str = "push", reason: Reason = Reason.NONE, fold: bool = True
) -> None:
    """A receipt for the last message that names them there."""
    batch, position = (await _places(chain, person, channel))[-1]
    provider = {"push": "fcm", "sms": "twilio"}[channel]
    await Intake(chain.house.store).take([Incoming(provider, batch, position, status, status.value, reason)])
    if fold:
        await fold_receipts(chain.house.store)


async def fail(chain: Chain, person: int, reason: Reason, *, channel: str = "push") -> None:
    """Before anybody carries the message."""
    batch, position = (await _places(chain, person, channel))[-1]
    async with chain.house.store.writing() as session:
        await merge_outcomes(session, batch, {position: (Outcome.SENDING, Reason.NONE)})
        await merge_outcomes(session, batch, {position: (Outcome.FAILED, reason)})


async def holds(chain: Chain, identifier: str) -> None:
    """The report balances, the hash is what the batches give, and nobody stands there twice."""
    assert (await chain.report(identifier))["balanced"]
    async with chain.house.store.reading() as session:
        for message in await messages_of(session, await find_alert(session, identifier)):
            if message.released_at is None:
                continue
            held = (await packed(session, message.id)).whole()
            proof = await prove(session, message, chain.house.desk.last_known(message.released_at))
            assert message.audience_hash == audience_hash(held.owner, held.channel, held.language)
            assert (message.audience_size, message.audience_people) == (len(held), held.people())
            assert proof.twice == 0
