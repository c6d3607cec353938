"""A message begins at a provider with a few recipients; the rest wait until one of them was answered well.

A wrong credential or template would otherwise be found out by everybody at once: each of the batches in hand would be
refused from its first recipient to its last.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

FEW: Final = 5
PATIENCE: Final = 1.0  # seconds; a provider that does not answer must not keep everybody waiting
MOST: Final = 10_000  # messages that are remembered

Key = tuple[int, int]
"""Message and channel."""


@dataclass
class Proof:
    """Of one worker: what has been answered well, and who is finding out."""

    _proven: dict[Key, None] = field(default_factory=dict)
    _trying: dict[Key, asyncio.Event] = field(default_factory=dict)

    async def turn(self, key: Key) -> int | None:
        """How many recipients the next chunk may have; None: as many as it likes. Waits for whoever finds out now.
        Each turn is ended by `answered`.
        """
        if key not in self._proven and (trying := self._trying.get(key)) is not None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await trying.wait()
            except TimeoutError:
                return FEW
        if key in self._proven:
            return None
        self._trying.setdefault(key, asyncio.Event())
        return FEW

    def stands(self, key: Key) -> bool:
        """Whether it was answered well: a turn of it waits for nobody and may have as many as it likes."""
        return key in self._proven

    def answered(self, key: Key, *, well: bool) -> None:
        """What became of a turn."""
        if well:
            self._proven[key] = None
            if len(self._proven) > MOST:
                self._proven.pop(next(iter(self._proven)))
        trying = self._trying.pop(key, None)
        if trying is not None:
            trying.set()
