"""What a test of the audience does to its people, and what it then expects, worked out from the bare rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audience import People, people_in
from geoalert.audience.live import LiveGrid
from geoalert.bootstrap import House
from geoalert.subscribers import make_person, register
from geoalert.subscribers.cells import SCALE, cell_of
from geoalert.subscribers.person import Person, Point
from geoalert.subscribers.tables import Address, AreaPlace, Place, Subscriber
from tests.waiting import until
from tests.workbench import KOTHRUD

Told = tuple[int, int, int, bool]  # subscriber, attr, categories, certain
AROUND = shapely.Point(KOTHRUD).buffer(0.001)  # some hundred metres
X, Y = round(KOTHRUD[0] * SCALE), round(KOTHRUD[1] * SCALE)
BARE_PERSON = (
    "INSERT INTO subscriber (id, reference, language, categories, min_severity, consent, state, created_at, updated_at)"
    " VALUES (:id, :reference, 1, 1, 1, 1, 'active', now(), now())"
)
BARE_PLACE = (
    "INSERT INTO place (subscriber_id, label, x, y, cell) VALUES (CAST(:id AS bigint), 'home', CAST(:x AS integer),"
    " CAST(:y AS integer), CAST(:cell AS bigint))"
)
WARD = shapely.box(73.80, 18.50, 73.82, 18.52)


def ground_of(code: str) -> BaseGeometry:
    """Wards of the test's own: one around Kothrud, one far away."""
    return {"near": WARD, "kothrud-bavdhan": WARD, "far": shapely.box(74.2, 18.9, 74.3, 19.0)}[code]


def told(people: People) -> list[Told]:
    columns = (people.subscriber, people.attr, people.categories, people.certain)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def attr_of(person: Subscriber, addresses: Sequence[Address]) -> int:
    """The packed integer as `subscribers.attributes` describes it, without the database's own sum."""
    fields = [(person.language, 0), (person.min_severity, 4), (person.consent, 7), (int(person.state == "active"), 8)]
    fields += [(person.quiet_from or 0, 9), (person.quiet_to or 0, 20)]
    best: dict[int, int] = {}
    for address in addresses:
        if address.state == "active" and address.rank < 6:
            best[address.channel] = min(best.get(address.channel, 99), address.rank + 1)
    fields += [(order, 31 + 3 * (channel - 1)) for channel, order in best.items()]
    return sum(value << shift for value, shift in fields)


@dataclass
class Town:
    """One store, asked by its own path and by the live grid."""

    house: House
    grid: LiveGrid
    numbers: count[int] = field(default_factory=lambda: count(1))
    turns: count[int] = field(default_factory=count)

    @property
    def postgresql(self) -> bool:
        return self.house.store.dialect == "postgresql"

    def person(self, points: Sequence[tuple[int, int]] = ((X, Y),), **wishes: Any) -> Person:
        """Who has points in lattice units, and an address for each of their channels."""
        number = next(self.numbers)
        values = {
            "push": f"test-token-{number:06d}",
            "sms": f"+915{number:09d}",
            "email": f"test-{number}@example.org",
        }
        channels = wishes.pop("channels", ("push",))
        return make_person(
            addresses={name: values[name] for name in channels},
            channels=channels,
            points=[Point(x / SCALE, y / SCALE) for x, y in points],
            **{"consent": "test"} | wishes,
        )

    async def settle(self, *people: Person) -> list[int]:
        async with self.house.store.writing() as session:
            return await register(session, people or [self.person()], "test")

    async def move_in(self, session: AsyncSession, *people: Person) -> list[int]:
        """In the caller's transaction."""
        return await register(session, people or [self.person()], "test")

    async def clerk(self, *statements: str, **values: object) -> None:
        """Raw SQL, in one transaction."""
        async with self.house.store.writing() as session:
            for statement in statements:
                await session.execute(text(statement), values)

    async def ask(self, area: BaseGeometry = AROUND) -> list[Told]:
        """The live grid's answer; it must be the grid's."""
        async with self.house.store.reading() as session:
            people = await self.grid(session, area, ground_of)
        return told(people)

    async def look(self, area: BaseGeometry = AROUND) -> list[Told]:
        """As `ask`, the way a release does it."""
        async with self.house.store.reading() as session:
            seen = await self.grid.look(session, area)
            return told(await seen.find(session, area, ground_of))

    async def ids(self, area: BaseGeometry = AROUND) -> list[int]:
        return [subscriber for subscriber, *_ in await self.ask(area)]

    async def by_store(self, area: BaseGeometry = AROUND) -> list[Told]:
        async with self.house.store.reading() as session:
            return told(await people_in(session, area, ground_of))

    async def by_shapely(self, area: BaseGeometry = AROUND) -> list[Told]:
        """From the tables alone: who lies inside, and their attr and categories put together here."""
        async with self.house.store.reading() as session:
            people = {row.id: row for row in await session.scalars(select(Subscriber))}
            addresses = defaultdict(list)
            for address in await session.scalars(select(Address).where(Address.owner_kind == "subscriber")):
                addresses[address.owner_id].append(address)
            points = list(await session.scalars(select(Place)))
            wards = list(await session.scalars(select(AreaPlace)))
        inside = {
            place.subscriber_id for place in points if shapely.intersects_xy(area, place.x / SCALE, place.y / SCALE)
        }
        assert all(place.cell == cell_of(place.x, place.y) for place in points)
        near = {place.subscriber_id for place in wards if area.intersection(ground_of(place.code)).area > 0}
        return [
            (id_, attr_of(people[id_], addresses[id_]), people[id_].categories, id_ in inside)
            for id_ in sorted(inside | near)
        ]

    async def agree(self, area: BaseGeometry = AROUND) -> list[Told]:
        """All three, on whole entries; fails where they differ."""
        expected = await self.by_shapely(area)
        assert await self.by_store(area) == expected
        ask = (self.ask, self.look)[next(self.turns) % 2]
        assert await ask(area) == expected
        return expected

    async def loaded(self) -> None:
        """Waits until questions are answered from memory."""
        await until(lambda: self.grid.loaded, "the grid is loaded", 20)

    async def inside_city(self, session: AsyncSession) -> list[tuple[int, int]]:
        """Whoever has a point in the middle of the city, and its x."""
        rows = await session.execute(
            select(Place.subscriber_id, Place.x)
            .where(Place.x.between(738_000_000, 739_000_000), Place.y.between(184_800_000, 185_600_000))
            .order_by(Place.id)
        )
        return [(id_, x) for id_, x in rows]
