"""The city's own accounts on social networks: data, not code; as many per network as there are."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.store import database_now, keys_of
from geoalert.subscribers.codes import CHANNELS, LANGUAGES
from geoalert.subscribers.register import bound_to
from geoalert.subscribers.tables import Address, Handle

POST = CHANNELS["post"]


async def add_account(session: AsyncSession, network: str, name: str, language: str, ward: str | None = None) -> Handle:
    """Adds an account that posts in one language, for the whole city or for one ward."""
    handle = Handle(network=network, name=name, language=LANGUAGES[language], ward=ward, state="active")
    session.add(handle)
    await session.flush()
    now, keys = await database_now(session), keys_of(session)
    session.add(
        Address(
            owner_kind="handle",
            owner_id=handle.id,
            channel=POST,
            kind="handle",
            sealed=keys.seal(name, bound_to("handle", handle.id, POST)),
            blind=keys.index(f"{network}:{name}", "handle"),
            rank=0,
            state="active",
            created_at=now,
            verified_at=now,
        )
    )
    await session.flush()
    return handle
