"""The channels a message asks for."""

from __future__ import annotations

import json
from typing import Final

from geoalert.alerts.tables import Message
from geoalert.subscribers.codes import CHANNELS

POST: Final = CHANNELS["post"]


def channels_of(message: Message) -> frozenset[int]:
    """By code."""
    return frozenset(CHANNELS[name] for name in json.loads(message.content)["channels"])
