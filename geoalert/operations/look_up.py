"""Whose an address is: so that whoever calls can be answered, or forgotten, though nobody has their reference."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.departments import Actor
from geoalert.store import keys_of
from geoalert.subscribers.codes import CHANNELS, CITIZEN_CHANNELS
from geoalert.subscribers.tables import Address, Subscriber

NOBODY: Final = "nobody has subscribed by this address"


async def look_up(session: AsyncSession, actor: Actor, channel: str, value: str) -> str | None:
    """The reference of whoever subscribed by this address, a normalised one of the channel's; None where nobody did.
    The record says who looked up whom, and a look-up that found nobody, but never an address.

    Raises:
        Forbidden: not a named person who may enroll or administer.
    """
    actor.require_one("enroll", "administer")
    _ = actor.person
    kind = CITIZEN_CHANNELS[channel]
    owner = (
        select(Subscriber.reference)
        .join(Address, Address.owner_id == Subscriber.id)
        .where(
            Address.owner_kind == "subscriber",
            Address.channel == CHANNELS[channel],
            Address.kind == kind,
            Address.blind == keys_of(session).index(value, kind),
        )
    )
    reference = (await session.scalars(owner)).one_or_none()
    await append(session, actor.name, "subscriber.looked_up", reference or "nobody", {"channel": channel})
    return reference
