"""Which provider had which recipient of a batch last: whom to ask of a doubt, when another has taken over since."""

from __future__ import annotations

from collections.abc import Iterable

from geoalert.dispatch.outcomes import OPEN, Outcome
from geoalert.dispatch.tables import Batch


def provider_of(batch: Batch, position: int) -> str:
    """The provider that this recipient was handed to last, or will be."""
    at = batch.handed[position] if batch.handed else 0
    return (batch.earlier or "").split(",")[at - 1] if at else batch.provider


def doubts(batch: Batch) -> list[int]:
    """Positions of whom nobody knows whether they were told."""
    if Outcome.UNCERTAIN not in batch.outcomes:
        return []
    return [position for position, outcome in enumerate(batch.outcomes) if outcome == Outcome.UNCERTAIN]


def hand_on(batch: Batch, provider: str) -> None:
    """Gives what has not left to another provider. Whom the present one may have told stays known as its own."""
    if provider == batch.provider:
        return
    if batch.provider:
        mine = _number(batch, batch.provider)
        handed = bytearray(batch.handed or bytes(batch.size))
        for position, outcome in enumerate(batch.outcomes):
            if handed[position] == 0 and outcome not in OPEN:
                handed[position] = mine
        batch.handed = bytes(handed)
    batch.provider = provider


def hand_to(batch: Batch, positions: Iterable[int], provider: str) -> None:
    """Notes that these recipients go through `provider` now."""
    if batch.handed is None and provider == batch.provider:
        return
    number = 0 if provider == batch.provider else _number(batch, provider)
    handed = bytearray(batch.handed or bytes(batch.size))
    for position in positions:
        handed[position] = number
    batch.handed = bytes(handed)


def _number(batch: Batch, provider: str) -> int:
    names = batch.earlier.split(",") if batch.earlier else []
    if provider not in names:
        names.append(provider)
        batch.earlier = ",".join(names)
    return names.index(provider) + 1
