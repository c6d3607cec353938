"""Simulated phones: they show what FCM hands them, replace what has the same tag, and some tell us so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from geoalert.sandbox.faults import Mischief, share
from geoalert.sandbox.inbox import Inbox, Told
from geoalert.sandbox.outbound import Call, Outbound

_JSON = {"Content-Type": "application/json"}


@dataclass(repr=False)
class Phones:
    """`api_base` is where the app finds geoalert; empty for phones that never acknowledge."""

    inbox: Inbox
    outbound: Outbound
    mischief: Mischief
    api_base: str = ""
    shown: dict[tuple[str, str], str] = field(default_factory=dict)  # (token, tag) -> message on screen

    def show(self, told: Told, token: str, tag: str, message: str, ref: str) -> None:
        """A banner, unless this very message already stands under the same tag."""
        place = (token, tag)
        again = bool(tag) and self.shown.get(place) == message
        self.inbox.arrived(told, token, "repeat" if again else "new")
        if again:
            return
        self.shown[place] = message
        if not self.api_base or not ref or share("ack", token) >= self.mischief.faults.acknowledged:
            return
        told.outcomes["acknowledged"] += 1
        url = f"{self.api_base}/v1/messages/{message}/ack"
        self.outbound.post(Call(url, json.dumps({"ref": ref}).encode(), _JSON))

    def clear(self) -> None:
        self.shown.clear()
