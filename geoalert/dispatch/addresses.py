"""Where the recipients of a chunk are reached now: looked up when the message leaves, not when it was planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.channels.channel import Delivery
from geoalert.dispatch.outcomes import Change, Outcome
from geoalert.dispatch.plan import recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.reference import make_ref
from geoalert.dispatch.tables import Batch
from geoalert.errors import Invalid
from geoalert.store import keys_of
from geoalert.subscribers.register import bound_to
from geoalert.subscribers.tables import Address, Subscriber

# Plain values: an object for each of a million addresses took as long as sending to it.
COLUMNS = (
    Address.id,
    Address.owner_kind,
    Address.owner_id,
    Address.channel,
    Address.kind,
    Address.sealed,
    Address.state,
    Subscriber.state.label("person_state"),
    Subscriber.consent,
)


async def addresses_of(
    session: AsyncSession, batch: Batch, positions: Sequence[int], *, needs_consent: bool
) -> tuple[dict[int, tuple[Delivery, int]], dict[int, Change]]:
    """By position: the delivery with its address's id, or what became of those whose address, consent or STOP changed
    since the release.
    """
    ids = recipients_of(batch)
    known = await _known(session, batch.channel, [ids[position] for position in positions])
    keys = keys_of(session)
    usable: dict[int, tuple[Delivery, int]] = {}
    gone: dict[int, Change] = {}
    for position in positions:
        row = known.get(ids[position])
        if row is None or row.state == "gone":
            gone[position] = (Outcome.SUPPRESSED, Reason.ADDRESS_GONE)
            continue
        withdrawn = row.person_state != "active" or (needs_consent and not row.consent)
        if row.state != "active" or (row.owner_kind == "subscriber" and withdrawn):
            gone[position] = (Outcome.SUPPRESSED, Reason.OPTED_OUT)
            continue
        try:
            value = keys.open(row.sealed, bound_to(row.owner_kind, row.owner_id, row.channel))
        except Invalid:
            gone[position] = (Outcome.SUPPRESSED, Reason.UNREADABLE)
            continue
        delivery = Delivery(
            address=value,
            kind=row.kind,
            ref=make_ref(keys, batch.id, position),
            key=f"{batch.message_id}.{batch.channel}.{row.id}",
        )
        usable[position] = delivery, row.id
    return usable, gone


async def _known(session: AsyncSession, channel: int, owners: Sequence[int]) -> dict[int, Any]:
    """By owner: their address on this channel, a usable one before any other, with their state and consent."""
    people, accounts = [owner for owner in owners if owner > 0], [-owner for owner in owners if owner < 0]
    rows = await session.execute(
        select(*COLUMNS)
        .outerjoin(Subscriber, (Address.owner_kind == "subscriber") & (Subscriber.id == Address.owner_id))
        .where(
            Address.channel == channel,
            or_(
                and_(Address.owner_kind == "subscriber", Address.owner_id.in_(people)),
                and_(Address.owner_kind == "handle", Address.owner_id.in_(accounts)),
            ),
        )
        .order_by(Address.state != "active", Address.rank, Address.id)
    )
    known: dict[int, Any] = {}
    for row in rows:
        known.setdefault(row.owner_id if row.owner_kind == "subscriber" else -row.owner_id, row)
    return known
