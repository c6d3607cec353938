"""From an area to the set of (person, channel, language) that is told, with its hash."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.places import people_in
from geoalert.audience.rules import Candidate, Member, members
from geoalert.store import digest
from geoalert.subscribers.tables import Address, Subscriber

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUP = 5_000  # ids a query; SQLite takes 32,766 parameters


@dataclass(frozen=True, slots=True)
class Aim:
    """What an audience is resolved for."""

    area: BaseGeometry
    category_bit: int
    severity: str
    channels: frozenset[int]
    zone: tzinfo
    ward_geometry: Callable[[str], BaseGeometry]


@dataclass(frozen=True, slots=True)
class Audience:
    """Members ascending by (person, channel): each pair once."""

    members: tuple[Member, ...]
    inside: int  # people with a place inside, told or not

    @property
    def people(self) -> int:
        return len({member.subscriber for member in self.members})


async def resolve(session: AsyncSession, aim: Aim, now: datetime) -> Audience:
    """Everyone with a place in the area whom the rules let us tell, as the store stands in this transaction."""
    inside = await people_in(session, aim.area, aim.ward_geometry)
    told: list[Member] = []
    async for candidate in _candidates(session, inside):
        told.extend(members(candidate, aim.category_bit, aim.severity, aim.channels, now, aim.zone))
    told.sort(key=lambda member: (member.subscriber, member.channel))
    return Audience(tuple(told), len(inside))


async def _candidates(session: AsyncSession, ids: NDArray[np.int64]) -> AsyncIterator[Candidate]:
    for start in range(0, len(ids), GROUP):
        rows = await session.execute(
            select(
                Subscriber.id,
                Subscriber.language,
                Subscriber.categories,
                Subscriber.min_severity,
                Subscriber.quiet_from,
                Subscriber.quiet_to,
                Subscriber.consent,
                Address.id.label("address"),
                Address.channel,
            )
            .join(Address, (Address.owner_kind == "subscriber") & (Address.owner_id == Subscriber.id))
            .where(
                Subscriber.id.in_(ids[start : start + GROUP].tolist()),
                Subscriber.state == "active",
                Address.state == "active",
            )
            .order_by(Subscriber.id, Address.rank)
        )
        for candidate in _grouped(rows.all()):
            yield candidate


def _grouped(
    rows: Iterable[Row[int, int, int, int, int | None, int | None, int, int, int]],
) -> Iterator[Candidate]:
    for subscriber, group in groupby(rows, key=lambda row: row.id):
        same = list(group)
        first = same[0]
        yield Candidate(
            subscriber=subscriber,
            language=first.language,
            categories=first.categories,
            min_severity=first.min_severity,
            quiet_from=first.quiet_from,
            quiet_to=first.quiet_to,
            consent=bool(first.consent),
            addresses=[(row.address, row.channel) for row in same],
        )


def audience_hash(triples: Iterable[tuple[int, int, int]]) -> str:
    """SHA-256 over the RFC 8785 form of the sorted (person, channel code, language code). An account of the city on
    a social network enters as its negative handle id.
    """
    return digest(sorted(list(triple) for triple in triples))
