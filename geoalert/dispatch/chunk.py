"""Taking the next recipients of a batch: every check that guards a send, in one transaction that ends by marking
them `sending`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Alert, Message
from geoalert.audience.rules import REACH
from geoalert.dispatch.channels.channel import Channel, Delivery, Idempotency, Notice
from geoalert.dispatch.lease import STAND_BACK, emergency_waits, finish, give_back, held
from geoalert.dispatch.notice import notice_of
from geoalert.dispatch.outcomes import OPEN, Change, Outcome, end_open, merge_outcomes
from geoalert.dispatch.plan import EMERGENCY, recipients_of
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.reference import make_ref
from geoalert.dispatch.tables import Batch
from geoalert.errors import Invalid
from geoalert.store import database_now, keys_of
from geoalert.subscribers.register import bound_to
from geoalert.subscribers.tables import Address, Subscriber

ENDED: Mapping[str, Change] = {
    "cancelled": (Outcome.CANCELLED, Reason.CANCELLED),
    "superseded": (Outcome.CANCELLED, Reason.SUPERSEDED),
    "withdrawn": (Outcome.CANCELLED, Reason.CANCELLED),
}
RESENDABLE = frozenset({Idempotency.KEYED, Idempotency.REPLACED})


@dataclass(frozen=True, slots=True)
class Taken:
    """Recipients now marked `sending` (or, with `ask`, still `uncertain` and to be looked up first)."""

    notice: Notice
    positions: Sequence[int]
    deliveries: Sequence[Delivery]
    addresses: Mapping[int, int]  # the id of the address that is used, by position
    expires: datetime
    now: datetime
    since: datetime | None = None  # when the message was released: no earlier try exists
    ask: bool = False


async def take_chunk(
    session: AsyncSession,
    batch_id: int,
    generation: int,
    channel: Channel,
    tried: set[int],
    confirmed_lost: set[int],
    lease: timedelta,
    link: str,
) -> Taken | None:
    """The next chunk, or None when this claim has nothing left to do: the batch was then finished, given back to the
    emergency lane, or lost to another owner.

    `tried` are positions this claim has sent; `confirmed_lost` those a provider says it never had.
    """
    batch = await held(session, batch_id, generation)
    if batch is None:
        return None
    now = await database_now(session)
    message, alert = await _message(session, batch)
    ended = _ending(message, alert, channel, now)
    if ended is not None:
        await end_open(session, batch, ended)
        finish(batch)
        return None
    if batch.priority > EMERGENCY and await emergency_waits(session, batch.channel, now, EMERGENCY):
        give_back(batch, now + STAND_BACK)
        return None
    ask, positions = _choose(batch, channel, message.severity, tried, confirmed_lost)
    if not positions:
        return None
    told_without_consent = await _emergency_in_chain(session, message)
    usable, gone = await _addresses(session, batch, positions, needs_consent=not told_without_consent)
    if gone and not ask:
        await _release_held(session, batch, gone)
        await merge_outcomes(session, batch.id, gone)
    batch.lease_until = now + lease
    if not ask:
        await _release_held(session, batch, usable)
        await merge_outcomes(session, batch.id, dict.fromkeys(usable, (Outcome.SENDING, Reason.NONE)))
    tried.update(positions)
    return Taken(
        notice=notice_of(alert, message, batch.language, link),
        positions=list(usable),
        deliveries=[delivery for delivery, _ in usable.values()],
        addresses={position: id_ for position, (_, id_) in usable.items()},
        expires=message.expires,
        now=now,
        since=message.released_at,
        ask=ask,
    )


async def _message(session: AsyncSession, batch: Batch) -> tuple[Message, Alert]:
    # Shared lock: a cancel commits either before this check or after these recipients are marked.
    query = select(Message, Alert).join(Alert, Alert.id == Message.alert_id).where(Message.id == batch.message_id)
    row = (await session.execute(query.with_for_update(read=True, of=Message))).one()
    return row[0], row[1]


def _ending(message: Message, alert: Alert, channel: Channel, now: datetime) -> Change | None:
    if message.state not in LIVE:
        return ENDED.get(message.state, (Outcome.CANCELLED, Reason.CANCELLED))
    if message.expires <= now:
        return Outcome.EXPIRED, Reason.EXPIRED
    if alert.drill and not channel.traits.rehearsal:
        return Outcome.SUPPRESSED, Reason.DRILL
    return None


def _choose(
    batch: Batch, channel: Channel, severity: str, tried: set[int], confirmed_lost: set[int]
) -> tuple[bool, list[int]]:
    """Which positions are next, and whether the provider is to be asked first. Doubtful ones come before new ones."""
    doubtful = [
        position
        for position, outcome in enumerate(batch.outcomes)
        if outcome == Outcome.UNCERTAIN and (position not in tried or position in confirmed_lost)
    ]
    kind = channel.traits.idempotency
    resend = [
        position
        for position in doubtful
        if kind in RESENDABLE
        or position in confirmed_lost
        or (kind is Idempotency.NONE and REACH[severity].all_channels)
    ]
    if resend:
        return False, resend[: channel.traits.chunk]
    if doubtful and kind is Idempotency.LOOKUP:
        return True, doubtful[: channel.traits.chunk]
    fresh = [
        position
        for position, outcome in enumerate(batch.outcomes)
        if Outcome(outcome) in OPEN and position not in tried
    ]
    return False, fresh[: channel.traits.chunk]


async def _release_held(session: AsyncSession, batch: Batch, positions: Iterable[int]) -> None:
    """Quiet hours are over for these; the checks that follow are fresh."""
    waiting = [position for position in positions if batch.outcomes[position] == Outcome.HELD]
    await merge_outcomes(session, batch.id, dict.fromkeys(waiting, (Outcome.PENDING, Reason.NONE)))


async def _emergency_in_chain(session: AsyncSession, message: Message) -> bool:
    """Whether any message of this alert went out without asking for consent: its people hear how it ends, too."""
    severities = await session.scalars(
        select(Message.severity).where(Message.alert_id == message.alert_id, Message.released_at.is_not(None))
    )
    return any(REACH[severity].consent for severity in severities)


async def _addresses(
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
        if row is None or row[0].state == "gone":
            gone[position] = (Outcome.SUPPRESSED, Reason.ADDRESS_GONE)
            continue
        address, state, consent = row
        withdrawn = address.owner_kind == "subscriber" and (state != "active" or (needs_consent and not consent))
        if address.state != "active" or withdrawn:
            gone[position] = (Outcome.SUPPRESSED, Reason.OPTED_OUT)
            continue
        try:
            value = keys.open(address.sealed, bound_to(address.owner_kind, address.owner_id, address.channel))
        except Invalid:
            gone[position] = (Outcome.SUPPRESSED, Reason.UNREADABLE)
            continue
        delivery = Delivery(
            address=value,
            kind=address.kind,
            ref=make_ref(keys, batch.id, position),
            key=f"{batch.message_id}.{batch.channel}.{address.id}",
        )
        usable[position] = delivery, address.id
    return usable, gone


async def _known(
    session: AsyncSession, channel: int, owners: Sequence[int]
) -> dict[int, tuple[Address, str | None, int | None]]:
    """By owner: their address on this channel, a usable one before any other, with their state and consent."""
    people, accounts = [owner for owner in owners if owner > 0], [-owner for owner in owners if owner < 0]
    rows = await session.execute(
        select(Address, Subscriber.state, Subscriber.consent)
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
    known: dict[int, tuple[Address, str | None, int | None]] = {}
    for address, state, consent in rows:
        owner = address.owner_id if address.owner_kind == "subscriber" else -address.owner_id
        known.setdefault(owner, (address, state, consent))
    return known
