"""From an area to the set of (person, channel, language) that is told, with its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience.choosing import Members
from geoalert.audience.people import People
from geoalert.audience.places import people_in
from geoalert.audience.rules import LEFT_OUT, NOBODY, Ruled, members, sieve_of
from geoalert.audience.sieve import Sieve

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What an audience's hash is taken over: 10 bytes a member, little-endian.
RECORD: Final = np.dtype([("owner", "<i8"), ("channel", "u1"), ("language", "u1")])


@dataclass(frozen=True, slots=True)
class Aim:
    """What an audience is resolved for."""

    area: BaseGeometry
    category_bit: int
    severity: str
    channels: frozenset[int]
    zone: tzinfo
    ground_of: Callable[[str], BaseGeometry]


class Spare(Protocol):
    """Says whom of these subscribers, ascending, we spare a message the rules would send them: a mask by reason in
    `LEFT_OUT`.
    """

    async def __call__(self, session: AsyncSession, ids: NDArray[np.int64]) -> Mapping[str, NDArray[np.bool_]]: ...


class Finder(Protocol):
    """Finds who has a place in an area: the store's own path, or the live grid over it. With a sieve those who pass it,
    and perhaps others; what it looked at of them may be all that is known of their categories.
    """

    async def __call__(
        self,
        session: AsyncSession,
        area: BaseGeometry,
        ground_of: Callable[[str], BaseGeometry],
        sieve: Sieve | None = None,
        /,
    ) -> People: ...


@dataclass(frozen=True, slots=True)
class Audience:
    """`people` are those inside whom nothing bars, and perhaps others; `ruled` says how each is told, or why not."""

    people: People
    ruled: Ruled

    @property
    def members(self) -> Members:
        return self.ruled.members

    @property
    def told(self) -> int:
        """Distinct persons, held included."""
        return self.ruled.count

    @property
    def spared(self) -> dict[str, int]:
        """How many the rules would tell and we spared, by reason."""
        return {reason: int(np.count_nonzero(self.ruled.why == LEFT_OUT.index(reason))) for reason in self.ruled.spared}


async def resolve(
    session: AsyncSession, aim: Aim, now: datetime, find: Finder = people_in, spare: Spare | None = None
) -> Audience:
    """Everyone with a place in the area whom the rules let us tell: nobody committed before this call is missed."""
    sieve = sieve_of(aim.category_bit, aim.severity, aim.channels)
    people = await find(session, aim.area, aim.ground_of, sieve)
    spared = NOBODY if spare is None else await spare(session, people.subscriber)
    return Audience(people, ruled(people, aim, now, spared))


def ruled(people: People, aim: Aim, now: datetime, spared: Mapping[str, NDArray[np.bool_]] = NOBODY) -> Ruled:
    """How each of these people is told under the aim's rules."""
    return members(people, aim.category_bit, aim.severity, aim.channels, now, aim.zone, spared)


def audience_hash(owner: NDArray[np.int64], channel: NDArray[np.uint8], language: NDArray[np.uint8]) -> str:
    """SHA-256, in hex, over the records (owner int64, channel code, language code), little-endian. The arrays ascend by
    owner and channel, as `Members` and `Recipients` do. An account of the city on a social network enters as its
    negative handle id.
    """
    records = np.empty(len(owner), dtype=RECORD)
    records["owner"], records["channel"], records["language"] = owner, channel, language
    return hashlib.sha256(records.view(np.uint8).data).hexdigest()
