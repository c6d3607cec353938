"""How many recipients a provider gets through while what was checked of their message is still fresh.

A chunk is chosen by the provider's rate, which says nothing of how fast it answers here. Whom there was no time for
is put back and marked anew: that is asked of the database in vain, and their place in the pace is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

FRESH: Final = 0.75  # seconds: a cancel that is committed now is seen before another request begins a second later


@dataclass
class Tempo:
    """Of one worker, by provider. What was too much is not asked for again; what was managed is doubled."""

    _most: dict[str, int] = field(default_factory=dict)

    def most(self, provider: str, chunk: int) -> int:
        """How many of at most `chunk` to take next."""
        return min(chunk, self._most.get(provider, chunk))

    def noted(self, provider: str, given: int, begun: int) -> None:
        """What became of a chunk. Where nobody's turn came, others were in the way, and nothing is learnt."""
        if 0 < begun < given:
            self._most[provider] = begun
        elif begun == given and given >= self._most.get(provider, given + 1):
            self._most[provider] = given * 2
