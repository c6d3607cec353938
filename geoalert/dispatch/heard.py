"""Who has heard a message, or will: whom another message need not tell of the same thing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts.tables import Message
from geoalert.dispatch.outcomes import OPEN, TOLD
from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.plan import PARKED
from geoalert.dispatch.tables import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A carrier's "failed" may be followed by "delivered", but nobody is left out because of a maybe that reads as no.
HAVE_HEARD: Final = np.isin(np.arange(256), [int(outcome) for outcome in TOLD])
HEARS: Final = np.isin(np.arange(256), [int(outcome) for outcome in TOLD | OPEN])


async def heard(session: AsyncSession, *which: ColumnElement[bool]) -> dict[int, NDArray[np.int64]]:
    """By message the subscribers that these batches have told, or are on their way to, by any channel; ascending, each
    once. What is parked is on its way to nobody.
    """
    parts: dict[int, list[NDArray[np.int64]]] = defaultdict(list)
    rows = await session.execute(
        select(Batch.message_id, Batch.recipients, Batch.outcomes, Batch.state)
        .join(Message, Message.id == Batch.message_id)
        .where(*which)
    )
    for message_id, recipients, outcomes, state in rows:
        owners, outcome = owners_in(recipients), np.frombuffer(outcomes, dtype=np.uint8)
        hear = (HAVE_HEARD if state == PARKED else HEARS)[outcome] & (owners > 0)
        parts[message_id].append(owners[hear])
    return {message_id: distinct(np.concatenate(found)) for message_id, found in parts.items()}


def distinct(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ascending, each once: by sorting, for `np.unique` asks a hash table, a hundred times slower with a million."""
    ids = np.sort(ids)
    new = np.ones(len(ids), dtype=bool)
    np.not_equal(ids[1:], ids[:-1], out=new[1:])
    return ids[new]


def among(ids: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of `ids` stand in `others`; both ascend."""
    at = np.searchsorted(others, ids)
    at[at == len(others)] = 0
    return others[at] == ids if len(others) else np.zeros(len(ids), dtype=bool)
