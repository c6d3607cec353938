"""The moment a message leaves: audience, batches and announcement in one transaction, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.approval import own_officer, refuse_late_reminder, require_approval, require_second_person
from geoalert.alerts.content import texts_in
from geoalert.alerts.drafting import find_alert, messages_of, newest
from geoalert.alerts.facts import reminds
from geoalert.alerts.states import move
from geoalert.alerts.tables import Alert, Message
from geoalert.audience import Aim, Finder, audience_hash, resolve
from geoalert.audience.changes import position
from geoalert.audience.grounds import sharing
from geoalert.audit import append
from geoalert.departments import Actor
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.plan import plan_batches
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.told import close_open, told_before
from geoalert.errors import Conflict
from geoalert.operations.channels import POST, channels_of
from geoalert.operations.desk import Desk
from geoalert.operations.emptiness import why_nobody
from geoalert.operations.event import Event, Speaker, ids_of, speaking, take_turn
from geoalert.operations.going_on import first_look
from geoalert.operations.repeat import refuse_repeat
from geoalert.operations.sparing import sparing
from geoalert.subscribers.codes import CHANNEL_NAMES, LANGUAGE_NAMES
from geoalert.subscribers.tables import Address, Handle
from geoalert.tracing import present


@dataclass(frozen=True, slots=True)
class Released:
    """What was put on its way. `people` are distinct persons; `audience` counts (person, channel) and accounts.
    `spared` are those inside whom the rules would tell and who were left in peace, by `sparing.REASONS`.
    """

    message: str
    people: int
    audience: int
    audience_hash: str
    batches: int
    spared: Mapping[str, int]


async def release(
    session: AsyncSession, desk: Desk, actor: Actor, alert: Alert, *, confirm_empty: bool = False
) -> Released:
    """Sends the newest, approved message of the alert. An Update also goes to everyone told before it.

    Raises:
        Forbidden: not a person of the owning department with the right to send.
        Conflict: not approved, expired, its reminder's time has passed, or nobody to tell and that was not confirmed.
    """
    actor.require("send")
    officer = own_officer(actor, alert)
    await find_alert(session, alert.identifier, lock=True)
    message = await newest(session, alert)
    await require_second_person(session, message, officer)
    if message.state == "approved":
        # Only here: what leaves by the clock leaves late rather than not at all, and then nothing reminds of it.
        await refuse_late_reminder(session, message)
    return await release_approved(session, desk, actor.name, alert, confirm_empty=confirm_empty)


async def release_approved(
    session: AsyncSession, desk: Desk, by: str, alert: Alert, *, confirm_empty: bool = False
) -> Released:
    """The release itself, also for the scheduler; an officer may send before the hour that was set.

    Raises:
        Conflict: not approved, expired, or nobody to tell and that was not confirmed.
    """
    await find_alert(session, alert.identifier, lock=True)
    message = await newest(session, alert, lock=True)
    earlier = [old for old in await messages_of(session, alert) if old.number < message.number]
    move(message, "release")
    await require_approval(session, message)
    return await put_on_its_way(
        session, desk, by, alert, message, earlier, posts_wait=True, confirm_empty=confirm_empty
    )


async def put_on_its_way(
    session: AsyncSession,
    desk: Desk,
    by: str,
    alert: Alert,
    message: Message,
    earlier: list[Message],
    *,
    posts_wait: bool,
    confirm_empty: bool = False,
) -> Released:
    """Resolves, plans, ends what came before, and announces; the message's move has been made."""
    if message.msg_type != "Cancel":
        # Before the clock is asked: of two the first to leave began first.
        await take_turn(session, desk.category_bits[alert.category], message.severity)
    # Who commits from here on is seen as a latecomer. An all-clear looks for nobody.
    look = None if message.msg_type == "Cancel" else await desk.look(session, message.area)
    mark = await position(session) if look is None else look.position
    now = mark.now(session)
    if message.expires <= now:
        raise Conflict("the alert has expired; edit its times first", pointer="/expires")
    speakers: list[Speaker] = []
    if look is not None:
        speakers = await speaking(session, Event.of(alert, message), now)
        if not reminds(message.content):
            refuse_repeat(message, earlier, speakers)
    previous = [old.id for old in earlier]
    await _end_earlier(session, message, earlier)
    recipients = await told_before(session, previous) if previous else Recipients.none()
    spared: Mapping[str, int] = {}
    if look is not None:
        message.audience_beside = ids_of(speakers)
        recipients = _accounts_wait(message, recipients, posts_wait=posts_wait)
        # Who is inside now is told as they wish now, not as they were told before.
        found, spared = await inside(session, desk, alert, message, speakers, now, look.find, posts_wait=posts_wait)
        recipients = found.joined(recipients)
    people = recipients.people()
    if not people and not confirm_empty and look is not None:
        why = await why_nobody(session, aim_of(desk, alert, message, now), now, look.find, spared)
        raise Conflict(f"nobody would be told: {why}; confirm to send all the same")
    message.released_at, message.trace = now, present()
    message.audience_mark, message.audience_followed_at = mark.seen, now
    write_down(message, recipients)
    look_at = first_look(desk, message, now)
    batches = await plan_batches(session, message, recipients, desk.routes, now, first=True, look_at=look_at)
    await append(
        session,
        by,
        "message.released",
        message.identifier,
        {"audience": len(recipients), "people": people, "audience_hash": message.audience_hash, "spared": dict(spared)},
    )
    await desk.engine.enqueue(session, batches)
    return Released(message.identifier, people, len(recipients), message.audience_hash or "", len(batches), spared)


def write_down(message: Message, recipients: Recipients) -> None:
    """Puts the size, the counts and the hash of its whole audience on a message."""
    message.audience_size, message.audience_people = len(recipients), recipients.people()
    message.audience_counts = _by_channel(recipients)
    message.audience_hash = audience_hash(recipients.owner, recipients.channel, recipients.language)


def _by_channel(recipients: Recipients) -> dict[str, int]:
    counts = np.bincount(recipients.channel, minlength=1).tolist()
    return {CHANNEL_NAMES[code]: count for code, count in enumerate(counts) if count}


async def _end_earlier(session: AsyncSession, message: Message, earlier: list[Message]) -> None:
    action = "cancel" if message.msg_type == "Cancel" else "supersede"
    reason = Reason.CANCELLED if message.msg_type == "Cancel" else Reason.SUPERSEDED
    for old in earlier:
        if old.state == "released" or (old.state == "superseded" and action == "cancel"):
            move(old, action)
    await session.flush()  # takes the row locks that workers' checks wait for
    if earlier:
        await close_open(session, [old.id for old in earlier], (Outcome.CANCELLED, reason))


def aim_of(desk: Desk, alert: Alert, message: Message, now: datetime) -> Aim:
    """What a message's audience is resolved for."""
    return desk.aim(message.area, alert.category, message.severity, channels_of(message) - {POST}, now=now)


async def inside(
    session: AsyncSession,
    desk: Desk,
    alert: Alert,
    message: Message,
    speakers: Sequence[Speaker],
    now: datetime,
    find: Finder,
    *,
    posts_wait: bool,
) -> tuple[Recipients, Mapping[str, int]]:
    """Who is inside and told, and how many are spared."""
    channels = channels_of(message)
    await desk.refresh(session)  # in this transaction: an epoch that came in before it counts
    aim = aim_of(desk, alert, message, now)
    spare = await sparing(session, desk, Event.of(alert, message), now, speakers=speakers)
    audience = await resolve(session, aim, now, find, spare)
    told = audience.members
    found = Recipients.of(told.subscriber, told.channel, told.language, told.hold)
    if POST in channels and not alert.drill:
        found = found.joined(await _accounts(session, desk, message, now, posts_wait=posts_wait))
    return found, audience.spared


def _accounts_wait(message: Message, told: Recipients, *, posts_wait: bool) -> Recipients:
    """An update is posted only where it asks for posts, and waits for the cell as every post does."""
    posts = told.channel == POST
    waiting = replace(told, waits=posts & posts_wait)
    return waiting if POST in channels_of(message) else waiting.only(~posts)


async def _accounts(
    session: AsyncSession, desk: Desk, message: Message, now: datetime, *, posts_wait: bool
) -> Recipients:
    """The city's own accounts for this area, in the languages the message has."""
    languages = texts_in(message.content)
    rows = await session.scalars(
        select(Handle)
        .join(Address, (Address.owner_kind == "handle") & (Address.owner_id == Handle.id))
        .where(Handle.state == "active", Address.state == "active")
        .order_by(Handle.id)
    )
    spoken = [handle for handle in rows if LANGUAGE_NAMES[handle.language] in languages]
    wards = sorted({handle.ward for handle in spoken if handle.ward is not None})
    touched = {None, *sharing(message.area, wards, desk.last_known(now))}
    chosen = [handle for handle in spoken if handle.ward in touched]
    return Recipients.of(
        np.array([-handle.id for handle in chosen], dtype=np.int64),
        np.full(len(chosen), POST),
        np.array([handle.language for handle in chosen], dtype=np.int64),
        waits=np.full(len(chosen), posts_wait),
    )
