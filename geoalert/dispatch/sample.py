"""One real message to ourselves through one provider, outside every ledger: to see that it carries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from geoalert.dispatch.channels.channel import Channel, Chunk, Delivery, Notice, SendResult
from geoalert.dispatch.reference import make_refs
from geoalert.store import KeyRing
from geoalert.subscribers.codes import CITIZEN_CHANNELS

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """What it says; nobody who gets it by mistake should be afraid."""

    language: str
    headline: str
    description: str = ""


async def send_sample(
    keys: KeyRing, channel: Channel, addresses: Sequence[str], sample: Sample, now: datetime
) -> list[SendResult]:
    """What the provider said, by address. Tries once; receipts of it are of no batch."""
    identifier = str(uuid.uuid4())
    notice = Notice(
        alert=identifier,
        message=identifier,
        revision=1,
        msg_type="Alert",
        language=sample.language,
        category="test",
        severity="Unknown",
        headline=sample.headline,
        description=sample.description,
        instruction="",
        expires=now + HOUR,
        link="",
        drill=True,
    )
    kind = CITIZEN_CHANNELS.get(channel.name, "handle")
    (ref,) = make_refs(keys, 0, [0])
    deliveries = [Delivery(address, kind, ref, f"{identifier}.{n}") for n, address in enumerate(addresses)]
    return await channel.send(Chunk(channel.prepare(notice), deliveries, now + HOUR, now))
