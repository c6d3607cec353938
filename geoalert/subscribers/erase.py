"""Forgetting a person. Delivery totals stay; nothing in them leads back."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.errors import NotFound
from geoalert.store import database_now
from geoalert.subscribers.tables import Address, AreaPlace, Consent, Place, Subscriber


async def erase(session: AsyncSession, reference: str, by: str) -> None:
    """Deletes places, addresses and consents; the bare row stays, so that its number is never given again.

    Raises:
        NotFound: no such subscriber.
    """
    # Locked before their places: whatever else changes them takes the locks in this order.
    of_reference = select(Subscriber).where(Subscriber.reference == reference).with_for_update(key_share=True)
    person = (await session.scalars(of_reference)).one_or_none()
    if person is None or person.state == "erased":
        raise NotFound("no such subscriber")
    for table in (Place, AreaPlace, Consent):
        await session.execute(delete(table).where(table.subscriber_id == person.id))
    await session.execute(delete(Address).where(Address.owner_kind == "subscriber", Address.owner_id == person.id))
    await session.execute(
        update(Subscriber)
        .where(Subscriber.id == person.id)
        .values(state="erased", consent=0, quiet_from=None, quiet_to=None, updated_at=await database_now(session))
    )
    await append(session, by, "subscriber.erased", reference, {})
