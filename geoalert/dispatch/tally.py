"""Good answers of providers that their shared health does not know of yet.

All workers share a provider's row. Noting each chunk there would make them wait for each other, for what changes
nothing: so a worker notes good answers of one that is well twice a second at most, and whatever else at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from geoalert.dispatch.channels.channel import Verdict
from geoalert.dispatch.health import SLOW
from geoalert.dispatch.reasons import Reason

EVERY: Final = 0.5  # seconds
GOOD: Final = frozenset({(Verdict.ACCEPTED, Reason.NONE)})

Kind = tuple[Verdict, Reason]


class Kept(NamedTuple):
    """Answers that are not noted yet, and when the last of them was given, by the database's clock."""

    kinds: Counter[Kind]
    said: datetime


@dataclass
class Tally:
    """Of one worker, by provider; `at` is the event loop's time."""

    _kept: dict[str, Kept] = field(default_factory=dict)
    _noted: dict[str, float] = field(default_factory=dict)

    def keeps(self, provider: str, kinds: Mapping[Kind, int], seconds: float, said: datetime, at: float) -> bool:
        """Keeps a chunk's answers, which came after so many seconds, for later; False where they are to be noted now,
        after what was `taken`.
        """
        if not kinds.keys() <= GOOD or seconds > SLOW or at - self._noted.get(provider, -EVERY) >= EVERY:
            return False
        before = self._kept[provider].kinds if provider in self._kept else Counter()
        self._kept[provider] = Kept(before + Counter(kinds), said)
        return True

    def taken(self, provider: str, at: float) -> Kept | None:
        """What was kept of a provider, to be noted now."""
        self._noted[provider] = at
        return self._kept.pop(provider, None)

    def waiting(self, at: float) -> Collection[str]:
        """Providers of which something has been kept for long enough."""
        return [provider for provider in self._kept if at - self._noted.get(provider, -EVERY) >= EVERY]
