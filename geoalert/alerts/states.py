"""The life of a message, as one table. Every move goes through `move`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from geoalert.alerts.tables import Message
from geoalert.errors import Conflict

# state -> action -> next state. `released` is the moment a message leaves; it is ended by what follows it.
MOVES: Final = MappingProxyType(
    {
        "draft": {"edit": "draft", "submit": "submitted", "withdraw": "withdrawn", "break_glass": "released"},
        "submitted": {"approve": "approved", "return": "returned", "withdraw": "withdrawn"},
        "returned": {"edit": "draft", "submit": "submitted", "withdraw": "withdrawn"},
        "approved": {"release": "released", "edit": "draft", "withdraw": "withdrawn"},
        "released": {"supersede": "superseded", "cancel": "cancelled"},
        "superseded": {"cancel": "cancelled"},
        "cancelled": {},
        "withdrawn": {},
    }
)

LIVE: Final = frozenset({"released"})


def move(message: Message, action: str) -> None:
    """Takes the message one step along the table.

    Raises:
        Conflict: the table has no such step; says what is possible.
    """
    allowed = MOVES[message.state]
    if action not in allowed:
        can = f"possible: {', '.join(allowed)}" if allowed else "nothing more can be done with it"
        raise Conflict(f"a message that is {message.state} cannot be {PARTICIPLE[action]}; {can}")
    message.state = allowed[action]


PARTICIPLE: Final = MappingProxyType(
    {
        "edit": "edited",
        "submit": "submitted",
        "approve": "approved",
        "return": "returned",
        "withdraw": "withdrawn",
        "release": "sent",
        "break_glass": "sent on one word",
        "supersede": "updated",
        "cancel": "cancelled",
    }
)
