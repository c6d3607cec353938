"""A repeat needs a changed fact: the same words of one area by no new channel are not sent twice while in force."""

from __future__ import annotations

from collections.abc import Iterable

from geoalert.alerts.facts import adds_nothing
from geoalert.alerts.states import LIVE
from geoalert.alerts.tables import Message
from geoalert.errors import Conflict
from geoalert.operations.event import FOLLOWED, Speaker


def refuse_repeat(message: Message, earlier: Iterable[Message], speakers: Iterable[Speaker]) -> None:
    """Lets a message through that says something new. `earlier` are those of its alert, `speakers` those of others that
    speak for it (`operations.event`). Who comes late to a live message is told without a repeat. A reminder is a repeat
    on purpose, approved with its message, and is not put to this.

    Raises:
        Conflict: the message in force, or another live alert of the category, says exactly this of this area.
    """
    in_force = [old for old in earlier if old.state in LIVE and old.msg_type in FOLLOWED]
    if any(_repeats(message, old) for old in in_force):
        raise Conflict("nothing has changed since the message in force; a repeat needs a changed fact")
    for other, alert in speakers:
        if _repeats(message, other):
            raise Conflict(f"alert {alert} is live and says exactly this of this area; a repeat needs a changed fact")


def _repeats(message: Message, other: Message) -> bool:
    return message.says is not None and message.says == other.says and adds_nothing(message.content, other.content)
