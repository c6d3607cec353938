"""What a message says, apart from where it holds, by which channels it goes and when it leaves.

Two messages that say the same are one fact: whoever has heard it is not told again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from geoalert.errors import Invalid
from geoalert.store import digest

WORDS: Final = ("category", "severity", "urgency", "certainty", "onset", "expires", "texts", "drill")
INCIDENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,59}")  # CAP 1.2 puts several in one element, by blanks


def read_incident(raw: str | None) -> str | None:
    """The name under which several alerts of one event stand (an incident of CAP 1.2).

    Raises:
        Invalid: no such name.
    """
    if raw is not None and not INCIDENT.fullmatch(raw):
        raise Invalid("1 to 60 of a-z, A-Z, 0-9 and . _ : -, beginning with a letter or digit", pointer="/incident")
    return raw


def says(document: Mapping[str, Any]) -> str:
    """SHA-256 of what the content's document says, in hex."""
    return digest({key: document[key] for key in WORDS})


def adds_nothing(document: str, other: str) -> bool:
    """Whether a stored document that says the same as the other holds for the same area, to the point, and asks for no
    channel that the other does not.
    """
    this, that = json.loads(document), json.loads(other)
    return this["area"]["sha256"] == that["area"]["sha256"] and set(this["channels"]) <= set(that["channels"])


def reminds(document: str) -> bool:
    """Whether a stored document is the reminder of another message: the same fact, told on purpose again."""
    return "reminds" in json.loads(document)


def onset_of(document: str) -> datetime | None:
    """When the event of a stored document begins; None: when it leaves."""
    onset = json.loads(document)["onset"]
    return None if onset is None else datetime.fromisoformat(onset)
