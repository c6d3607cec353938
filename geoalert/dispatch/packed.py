"""What batches hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.dispatch.owners import owners_in
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.tables import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Packed:
    """Entries of (owner, channel) as they stand in batches, one batch after the other."""

    owner: NDArray[np.int64]
    channel: NDArray[np.uint8]
    language: NDArray[np.uint8]

    @classmethod
    def none(cls) -> Packed:
        """Of a message without batches."""
        return cls(np.empty(0, dtype=np.int64), *np.empty((2, 0), dtype=np.uint8))

    def naming(self, owners: NDArray[np.int64]) -> Recipients:
        """The entries of these owners: cheap where they are few."""
        theirs = np.isin(self.owner, owners)
        return Recipients.of(self.owner[theirs], self.channel[theirs], self.language[theirs])

    def whole(self) -> Recipients:
        """All of them, as a message's hash is taken over them; of those that name one pair the first."""
        return Recipients.of(self.owner, self.channel, self.language)


async def packed(session: AsyncSession, message_id: int) -> Packed:
    """Every (owner, channel) of the message, whatever became of them."""
    rows = await session.execute(
        select(Batch.channel, Batch.language, Batch.recipients)
        .where(Batch.message_id == message_id)
        .order_by(Batch.channel, Batch.number)  # nearly in order of owners: sorting them is merging
    )
    return stacked((channel, language, owners_in(recipients)) for channel, language, recipients in rows)


def stacked(batches: Iterable[tuple[int, int, NDArray[np.int64]]]) -> Packed:
    """What batches hold, one after the other: the channel and the language of each, and owners of it."""
    owners, codes = [np.empty(0, dtype=np.int64)], [np.empty((2, 0), dtype=np.uint8)]
    for channel, language, theirs in batches:
        owners.append(theirs)
        codes.append(np.full((len(theirs), 2), (channel, language), dtype=np.uint8).T)
    channels, languages = np.concatenate(codes, axis=1)
    return Packed(np.concatenate(owners), channels, languages)
