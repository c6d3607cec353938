"""Why somebody did, or did not, get an alert: for them to hear, from an officer who may know.

What a release did is told from its batches, which are kept. Where somebody lived and what they wished then is not
kept; places, rules and addresses are told as they stand now, and under that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import messages_of
from geoalert.alerts.tables import Alert, Message
from geoalert.audience import LEFT_OUT, resolve
from geoalert.audience.among import Among
from geoalert.audit import append
from geoalert.departments import Actor
from geoalert.dispatch.standing import Standing, standings
from geoalert.errors import NotFound
from geoalert.operations.channels import POST, channels_of
from geoalert.operations.desk import Desk
from geoalert.operations.event import Event
from geoalert.operations.explain_channels import ChannelTold, channels_told
from geoalert.operations.explain_places import PlaceNow, places_now
from geoalert.operations.explain_words import ERASED, NOTHING_LEFT, ROLE, TOLD_BEFORE, WOULD_TELL
from geoalert.operations.explain_words import LEFT_OUT as LEFT_OUT_WORDS
from geoalert.operations.sparing import sparing
from geoalert.store import database_now
from geoalert.subscribers.codes import CHANNEL_NAMES
from geoalert.subscribers.tables import Subscriber
from geoalert.wording import Wording


@dataclass(frozen=True, slots=True)
class Now:
    """As places, wishes and addresses stand now, were the message released now: `left_out` is the rule that stands
    against it (None: they would be told, `by` these channels), `held_until` the end of their quiet hours. What follows
    an earlier message also goes, by the channels of then, to those it may have told; an all-clear to nobody else.
    """

    places: tuple[PlaceNow, ...]
    left_out: str | None
    by: tuple[str, ...]
    held_until: datetime | None
    says: str


@dataclass(frozen=True, slots=True)
class MessageTold:
    """One released message. `role` says why they were, or were not, in its audience (`explain_words.ROLE`); `joined_at`
    when, for a latecomer.
    """

    message: str
    number: int
    msg_type: str
    severity: str
    state: str
    released_at: datetime
    in_audience: bool
    role: str
    says: str
    joined_at: datetime | None
    channels: tuple[ChannelTold, ...]
    as_of_now: Now


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of an erased person nothing else is known, and nothing else is said. `says` why there are no messages, where
    there are none; else it is empty.
    """

    alert: str
    subscriber: str
    erased: bool
    at: datetime
    says: str
    messages: tuple[MessageTold, ...]


async def explain(
    session: AsyncSession, desk: Desk, actor: Actor, alert: Alert, reference: str, say: Wording
) -> Explanation:
    """What became of this alert for one person, message by message, in the words of a language. The record says who
    asked about whom.

    Raises:
        Forbidden: not a named person who may enroll or administer.
        NotFound: no such subscriber.
    """
    actor.require_one("enroll", "administer")
    _ = actor.person
    person = (await session.scalars(select(Subscriber).where(Subscriber.reference == reference))).one_or_none()
    if person is None:
        raise NotFound("no such subscriber")
    await desk.refresh(session)
    now = await database_now(session)
    erased = person.state == "erased"
    told = () if erased else await _messages(session, desk, alert, person, now, say)
    await append(session, actor.name, "audience.explained", reference, {"alert": alert.identifier})
    says = "" if told else say(ERASED if erased else NOTHING_LEFT)
    return Explanation(alert.identifier, reference, erased, now, says, told)


async def _messages(
    session: AsyncSession, desk: Desk, alert: Alert, person: Subscriber, now: datetime, say: Wording
) -> tuple[MessageTold, ...]:
    chain = [message for message in await messages_of(session, alert) if message.released_at is not None]
    found = await standings(session, [message.id for message in chain], person.id)
    explained: list[MessageTold] = []
    before: set[int] = set()  # channels by which an earlier message may have told them
    for message in chain:
        theirs = [standing for standing in found if standing.message_id == message.id]
        as_of_now = await _now(session, desk, alert, message, person, before, now, say, told=bool(theirs))
        joined = [standing.joined_at for standing in theirs if standing.joined_at is not None]
        role = _role(message, theirs, person, joined, told=bool(before))
        explained.append(
            MessageTold(
                message=message.identifier,
                number=message.number,
                msg_type=message.msg_type,
                severity=message.severity,
                state=message.state,
                released_at=message.released_at or now,
                in_audience=bool(theirs),
                role=role,
                says=say(ROLE[role]),
                joined_at=min(joined) if joined and role == "late" else None,
                channels=await channels_told(session, message, theirs, person.id, say),
                as_of_now=as_of_now,
            )
        )
        before |= {standing.channel for standing in theirs if standing.may_have_told}
    return tuple(explained)


def _role(
    message: Message, theirs: Sequence[Standing], person: Subscriber, joined: Sequence[datetime], *, told: bool
) -> str:
    if theirs:
        if len(joined) == len(theirs):
            return "late"
        return "told_before" if told else "inside"
    if message.msg_type == "Cancel":
        return "never_told"
    released = message.released_at
    return "subscribed_later" if released is not None and person.created_at > released else "not_in_audience"


async def _now(
    session: AsyncSession,
    desk: Desk,
    alert: Alert,
    message: Message,
    person: Subscriber,
    before: AbstractSet[int],
    now: datetime,
    say: Wording,
    *,
    told: bool,
) -> Now:
    places = await places_now(session, desk, message, person.id, say.language)
    if message.msg_type == "Cancel":
        return _told_before(places, person, before, say)
    aim = desk.aim(message.area, alert.category, message.severity, channels_of(message) - {POST}, now=now)
    among = Among([person.id])
    # Who is in its audience was not spared, and what they have heard since does not matter.
    spare = None if told else await sparing(session, desk, Event.of(alert, message), now, among)
    audience = await resolve(session, aim, now, among, spare)
    if not len(audience.members) and before:
        return _told_before(places, person, before, say)
    if not len(audience.people):
        outside = LEFT_OUT_WORDS["outside"]
        return Now(places, "outside", (), None, say(outside))
    why = int(audience.ruled.why[0])
    if why >= 0:
        return Now(places, LEFT_OUT[why], (), None, say(LEFT_OUT_WORDS[LEFT_OUT[why]]))
    hold = int(audience.members.hold[0])
    by = _names(audience.members.channel.tolist())
    also = _names(before - set(audience.members.channel.tolist()))
    until = datetime.fromtimestamp(hold, UTC) if hold else None
    words = say(WOULD_TELL[bool(hold), bool(also)], by=say.listed(by), also=say.listed(also))
    return Now(places, None, (*by, *also), until, words)


def _told_before(places: tuple[PlaceNow, ...], person: Subscriber, before: AbstractSet[int], say: Wording) -> Now:
    never, paused = ROLE["never_told"], LEFT_OUT_WORDS["paused"]
    if not before:
        return Now(places, "never_told", (), None, say(never))
    if person.state != "active":
        return Now(places, "paused", (), None, say(paused))
    by = _names(before)
    return Now(places, None, by, None, say(TOLD_BEFORE, channels=say.listed(by)))


def _names(channels: Iterable[int]) -> tuple[str, ...]:
    return tuple(CHANNEL_NAMES[code] for code in sorted(channels))
