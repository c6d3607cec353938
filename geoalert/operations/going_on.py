"""By which channel people go on whom a message's channels so far have not told: the rule, for those asked about.

Once per channel, in the person's order, among the channels the message uses, by their wishes and addresses of now. An
Extreme message has used them all from the start. A channel is at its end by `dispatch.outcomes.DEAD_ENDS`; in a Severe
message also when nothing said within `Desk.next_channel_after` that it arrived: that a provider took it is not enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Alert, Message
from geoalert.audience import People, Wishes
from geoalert.audience.among import Among
from geoalert.audience.rules import REACH, members
from geoalert.dispatch.entries import AtAnEnd, Entries
from geoalert.dispatch.plan import Announced, plan_batches
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.recipients import Recipients
from geoalert.operations.channels import POST, channels_of
from geoalert.operations.desk import Desk
from geoalert.operations.event import Event
from geoalert.operations.sparing import sparing
from geoalert.store import IDS_A_QUERY
from geoalert.subscribers.attributes import order_mask
from geoalert.subscribers.codes import CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIRMED: Final = frozenset({"Severe"})  # severities whose channels have to say that it arrived
WISHES: Final = text("SELECT subscriber_id, attr, categories FROM reach WHERE subscriber_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)


def may_go_on(message: Message) -> bool:
    """Whether anybody's next channel can be used at all."""
    return not REACH[message.severity].all_channels and len(channels_of(message) - {POST}) > 1


def patience(desk: Desk, message: Message) -> timedelta | None:
    """How long a channel of this message has to say that it arrived; None: for ever."""
    if message.severity not in CONFIRMED or not may_go_on(message):
        return None
    return desk.next_channel_after or None


def first_look(desk: Desk, message: Message, now: datetime) -> datetime | None:
    """When those are looked at who are put on their way now, unless something fails sooner."""
    within = patience(desk, message)
    return None if within is None or message.msg_type == "Cancel" else now + within


@dataclass(frozen=True, slots=True)
class Onward:
    """Who goes on, by what their channel before met."""

    by_cause: Mapping[Reason, Recipients]

    def whole(self) -> Recipients:
        """All of them."""
        found = Recipients.none()
        for recipients in self.by_cause.values():
            found = found.joined(recipients)
        return found

    async def plan(self, session: AsyncSession, desk: Desk, message: Message, now: datetime) -> list[Announced]:
        """Adds them to the message as batches of their own."""
        look_at = first_look(desk, message, now)
        return [
            announced
            for cause, recipients in self.by_cause.items()
            for announced in await plan_batches(
                session, message, recipients, desk.routes, now, late=True, look_at=look_at, moved_for=cause
            )
        ]


async def going_on(
    session: AsyncSession, desk: Desk, message: Message, held: Entries, asked: NDArray[np.int64], now: datetime
) -> Onward:
    """Who of those asked about (ids, ascending, each once) goes on, and by which channel."""
    ended = held.at_an_end(asked[asked > 0], patience(desk, message), now) if may_go_on(message) else AtAnEnd.none()
    people = await _people(session, ended)
    if not len(people):
        return Onward({})
    alert = await session.get_one(Alert, message.alert_id)
    event = Event.of(alert, message)
    # What else they heard this week does not matter: this one has begun with them.
    spare = replace(await sparing(session, desk, event, now, Among(people.subscriber.tolist())), budget=0)
    spared = await spare(session, people.subscriber)
    bit = desk.category_bits[alert.category]
    told = members(people, bit, message.severity, event.channels, now, desk.zone, spared).members
    cause = ended.cause[np.searchsorted(ended.owner, told.subscriber)]
    found = Recipients.of(told.subscriber, told.channel, told.language, told.hold)
    return Onward({Reason(code): found.only(cause == code) for code in np.unique(cause).tolist()})


async def _people(session: AsyncSession, ended: AtAnEnd) -> People:
    """As they are now, but for the channels the message has used of them. Who has none left is not among them."""
    rows: list[Sequence[int]] = []
    for start in range(0, len(ended.owner), IDS_A_QUERY):
        group = ended.owner[start : start + IDS_A_QUERY].tolist()
        rows += [tuple(row) for row in await session.execute(WISHES, {"ids": group})]
    found = np.array(rows, dtype=np.int64).reshape(-1, 3)
    found = found[np.argsort(found[:, 0])]
    subscriber, attr, categories = (np.ascontiguousarray(found[:, column]) for column in range(3))
    used = ended.used[np.searchsorted(ended.owner, subscriber)]
    for channel in CHANNELS.values():
        attr[used >> channel & 1 == 1] &= ~order_mask(channel)
    left = attr & sum(order_mask(channel) for channel in CHANNELS.values()) != 0
    return People(subscriber[left], Wishes(attr[left], categories[left]), np.ones(int(left.sum()), dtype=bool))
