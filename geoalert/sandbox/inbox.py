"""What reached whom: the ledger a test or a citizen's phone would see."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Novelty = Literal["new", "repeat"]


@dataclass(repr=False)
class Told:
    """One message on one channel. `times` counts banners, SMS or posts a recipient saw as new."""

    channel: str
    alert: str
    language: str
    title: str
    text: str
    times: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    repeats: int = 0  # idempotent: nothing new appeared
    doubled: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)  # delivered, undelivered, acknowledged

    def summary(self) -> dict[str, object]:
        return {
            "channel": self.channel,
            "alert": self.alert,
            "language": self.language,
            "title": self.title,
            "text": self.text,
            "accepted": self.accepted,
            "recipients": len(self.times),
            "doubled": self.doubled,
            "repeats": self.repeats,
            **{name: self.outcomes[name] for name in ("delivered", "undelivered", "acknowledged")},
        }


@dataclass(repr=False)
class Inbox:
    """In memory, emptied with the process."""

    told: dict[str, Told] = field(default_factory=dict)
    recipients: dict[str, dict[str, int]] = field(default_factory=dict)  # channel -> recipient -> tellings

    def message(self, key: str, channel: str, *, alert: str, language: str, title: str, text: str) -> Told:
        found = self.told.get(key)
        if found is None:
            found = self.told[key] = Told(channel, alert, language, title, text)
        return found

    def arrived(self, told: Told, recipient: str, novelty: Novelty) -> None:
        told.accepted += 1
        if novelty == "repeat":
            told.repeats += 1
            return
        times = told.times.get(recipient, 0) + 1
        told.times[recipient] = times
        told.doubled += times == 2  # noqa: PLR2004 - counted once, at the second telling
        everyone = self.recipients.setdefault(told.channel, {})
        everyone[recipient] = everyone.get(recipient, 0) + 1

    def channel(self, name: str, requests: int) -> dict[str, int]:
        here = [told for told in self.told.values() if told.channel == name]
        return {
            "requests": requests,
            "accepted": sum(told.accepted for told in here),
            "recipients": len(self.recipients.get(name, ())),
            "doubled": sum(told.doubled for told in here),
            "repeats": sum(told.repeats for told in here),
        }

    def clear(self) -> None:
        self.told.clear()
        self.recipients.clear()


def digest(text: str) -> str:
    """Names a message on channels that carry no identifier of ours."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
