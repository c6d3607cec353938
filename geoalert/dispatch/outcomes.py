"""What became of a recipient: one byte, forward only.

`accepted` means a provider took it; only `delivered` means that a device or carrier said it arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch


class Outcome(IntEnum):
    PENDING = 0
    HELD = 1
    SENDING = 2
    UNCERTAIN = 3
    ACCEPTED = 4
    FAILED = 5
    DELIVERED = 6
    SUPPRESSED = 7
    CANCELLED = 8
    EXPIRED = 9


_O = Outcome
ALLOWED: Final[Mapping[Outcome, frozenset[Outcome]]] = MappingProxyType(
    {
        _O.PENDING: frozenset({_O.HELD, _O.SENDING, _O.SUPPRESSED, _O.CANCELLED, _O.EXPIRED}),
        _O.HELD: frozenset({_O.PENDING, _O.SUPPRESSED, _O.CANCELLED, _O.EXPIRED}),
        _O.SENDING: frozenset({_O.PENDING, _O.UNCERTAIN, _O.ACCEPTED, _O.FAILED, _O.DELIVERED}),
        _O.UNCERTAIN: frozenset({_O.SENDING, _O.ACCEPTED, _O.FAILED, _O.DELIVERED}),
        _O.ACCEPTED: frozenset({_O.FAILED, _O.DELIVERED}),
        _O.FAILED: frozenset({_O.DELIVERED}),
        _O.DELIVERED: frozenset(),
        _O.SUPPRESSED: frozenset(),
        _O.CANCELLED: frozenset(),
        _O.EXPIRED: frozenset(),
    }
)
# The same by the two bytes, for many at once: an `Outcome` made of each costs more than the rest.
_MAY: Final = tuple(tuple(after in ALLOWED[before] for after in Outcome) for before in Outcome)
TOLD: Final = frozenset({_O.SENDING, _O.UNCERTAIN, _O.ACCEPTED, _O.DELIVERED})  # may have reached the person
OPEN: Final = frozenset({_O.PENDING, _O.HELD})

Change = tuple[Outcome, Reason]

# A channel that surely will not tell somebody, so that their next one is to: by outcome, for these reasons (None: any).
# Who told us STOP said no to that channel; whether they said no to all of them, the person's own state and consent say.
DEAD_ENDS: Final[Mapping[Outcome, frozenset[Reason] | None]] = MappingProxyType(
    {
        _O.FAILED: None,
        _O.SUPPRESSED: frozenset({Reason.ADDRESS_GONE, Reason.OPTED_OUT, Reason.UNREADABLE}),
    }
)
MAY_BE_DEAD: Final = tuple(DEAD_ENDS)
AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)  # a `look_at` that is due whatever the clock says


def is_dead_end(outcome: int, reason: int) -> bool:
    """Whether nobody is told by this channel any more."""
    code = Outcome(outcome)
    reasons = DEAD_ENDS.get(code, frozenset[Reason]())
    return reasons is None or reason in reasons


# The same for many at once, by the two bytes as they are stored.
DEAD_END: Final = np.array([[is_dead_end(outcome, reason) for reason in range(256)] for outcome in Outcome])


def advance(outcomes: bytearray, reasons: bytearray, changes: Mapping[int, Change]) -> int:
    """Applies the changes the table allows, in place; returns how many. A change to the same outcome is none."""
    applied = 0
    for position, (outcome, reason) in changes.items():
        if _MAY[outcomes[position]][outcome]:
            outcomes[position], reasons[position] = outcome, reason
            applied += 1
    return applied


def end_open(batch: Batch, change: Change) -> int:
    """Gives this end to every recipient of a locked batch that has not left; returns how many. What left stays."""
    still = [position for position, outcome in enumerate(batch.outcomes) if outcome in OPEN]
    return merge_locked(batch, dict.fromkeys(still, change))


async def merge_outcomes(session: AsyncSession, batch_id: int, changes: Mapping[int, Change]) -> int:
    """Locks the batch's row and changes these positions and no other, forward only; whose channel came to a dead end is
    looked at. With `merge_locked` the only writer of outcomes.

    Returns how many changed; 0 for a batch that does not exist.
    """
    query = select(Batch).where(Batch.id == batch_id).with_for_update().execution_options(populate_existing=True)
    batch = (await session.scalars(query)).one_or_none()
    applied = 0 if batch is None else merge_locked(batch, changes)
    await session.flush()
    return applied


def merge_locked(batch: Batch, changes: Mapping[int, Change]) -> int:
    """The same for a batch whose row the caller's transaction has locked and read; written when that is flushed."""
    if not changes:
        return 0
    outcomes, reasons, size = bytearray(batch.outcomes), bytearray(batch.reasons), batch.size
    within = {position: change for position, change in changes.items() if 0 <= position < size}
    applied = advance(outcomes, reasons, within)
    if applied:
        batch.outcomes, batch.reasons = bytes(outcomes), bytes(reasons)
        dead = [position for position, (outcome, _) in within.items() if outcome in MAY_BE_DEAD]
        if any(is_dead_end(outcomes[position], reasons[position]) for position in dead):
            batch.look_at = AT_ONCE
    return applied
