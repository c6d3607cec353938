"""The store's path, the live grid and plain shapely over the rows, through whatever happens to people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geoalert.audience import live
from geoalert.subscribers import erase
from geoalert.subscribers.cells import SCALE, SHIFT, cell_of
from geoalert.subscribers.person import WardPlace
from geoalert.subscribers.tables import Subscriber
from tests.extent import seeded
from tests.integration.audience.town import Town, X, Y

pytestmark = pytest.mark.usefixtures("form")

CELL = 1 << SHIFT
CITY = shapely.box(73.7, 18.4, 74.0, 18.7)
CHANNELS = (("push",), ("sms", "push"), ("email", "sms", "push"))


class Chance:
    """Random people and ground; the seed says which."""

    def __init__(self, seed: int) -> None:
        self.numbers = np.random.default_rng(seed)

    def below(self, end: int) -> int:
        return int(self.numbers.integers(end))

    def area(self) -> BaseGeometry:
        """Stars with holes, boxes along cells, slivers of a hand's width, several parts, the whole city."""
        kind = self.below(5)
        if kind == 0:
            return CITY
        if kind == 1:
            return shapely.union_all([self._star(), self._star(), shapely.box(73.9, 18.5, 73.91, 18.51)])
        if kind == 2:
            column, row = X // CELL * CELL, Y // CELL * CELL
            ring = np.array([column - CELL, row, column + CELL, row + 2 * CELL]) / SCALE
            return shapely.box(*ring)
        if kind == 3:
            corner = np.array([X, Y]) + self.numbers.integers(-4000, 4000, 2)
            return shapely.Polygon((np.array([(0, 0), (20_000, 3_000), (20_000, 3_008)]) + corner) / SCALE)
        hole = shapely.Point(X / SCALE, Y / SCALE).buffer(0.0004)
        return self._star().difference(hole)

    def _star(self) -> BaseGeometry:
        count = 5 + self.below(30)
        angles = np.sort(self.numbers.uniform(0, 2 * np.pi, count))
        reach = self.numbers.uniform(2_000, 20_000, count)
        ring = np.column_stack([X + reach * np.cos(angles), Y + reach * np.sin(angles)]).round() / SCALE
        return shapely.union_all(
            [part for part in shapely.get_parts(shapely.make_valid(shapely.Polygon(ring))) if part.area > 0]
        )

    def point(self, area: BaseGeometry) -> tuple[int, int]:
        """On a corner of the area, beside it, in the middle of an edge, on a corner of cells, or anywhere near."""
        corners = (shapely.get_coordinates(area) * SCALE).round().astype(int)
        at = self.below(len(corners) - 1)
        x, y = (
            corners[at] + self.numbers.integers(-1, 2, 2) * self.below(2),
            (corners[at] + corners[at + 1]) // 2,
            ((X // CELL + self.below(3) - 1) * CELL, (Y // CELL + self.below(3)) * CELL),
            (X + self.below(30_000) - 15_000, Y + self.below(30_000) - 15_000),
        )[self.below(4)]
        return int(x), int(y)


class Life:
    """What can happen to the people of a town."""

    def __init__(self, town: Town, chance: Chance) -> None:
        self.town, self.chance = town, chance
        self.area = chance.area()
        self.ids: list[int] = []

    async def happen(self) -> None:
        things: list[Callable[[], Awaitable[None]]] = [self.arrive, self.arrive, self.move, self.move, self.add_place]
        things += [self.leave_place, self.wish, self.stop, self.add_address, self.choose_ward, self.erase, self.many]
        await things[self.chance.below(len(things))]()

    async def arrive(self) -> None:
        chance = self.chance
        points = [chance.point(self.area) for _ in range(chance.below(4))]
        wards = [WardPlace(("near", "far")[chance.below(2)])] if chance.below(3) == 0 or not points else []
        channels = CHANNELS[chance.below(3)]
        hours = (60 * chance.below(24), 7 + 60 * chance.below(24)) if chance.below(2) else None
        consent = ("", "test")[chance.below(2)]
        categories = 1 + chance.below(1 << 40)
        self.ids += await self.town.settle(
            self.town.person(
                points, wards=wards, channels=channels, quiet=hours, consent=consent, categories=categories
            )
        )

    async def many(self) -> None:
        """More than the grid is allowed to carry along, so that it merges or is read anew."""
        people = [self.town.person([self.chance.point(self.area)]) for _ in range(12 + 20 * self.chance.below(2))]
        self.ids += await self.town.settle(*people)

    def some(self) -> int:
        return self.ids[self.chance.below(len(self.ids))] if self.ids else 0

    async def move(self) -> None:
        x, y = self.chance.point(self.area)
        await self.town.clerk(
            "UPDATE place SET x = :x, y = :y, cell = :cell"
            " WHERE id = (SELECT min(id) FROM place WHERE subscriber_id = :id)",
            x=x, y=y, cell=cell_of(x, y), id=self.some(),
        )  # fmt: skip

    async def add_place(self) -> None:
        x, y = self.chance.point(self.area)
        await self.town.clerk(
            "INSERT INTO place (subscriber_id, label, x, y, cell)"
            " SELECT id, 'work', CAST(:x AS integer), CAST(:y AS integer), CAST(:cell AS bigint) FROM subscriber"
            " WHERE id = :id AND state <> 'erased'",
            x=x, y=y, cell=cell_of(x, y), id=self.some(),
        )  # fmt: skip

    async def leave_place(self) -> None:
        await self.town.clerk(
            "DELETE FROM place WHERE id = (SELECT max(id) FROM place WHERE subscriber_id = :id)", id=self.some()
        )

    async def choose_ward(self) -> None:
        await self.town.clerk(
            "UPDATE area_place SET code = CASE code WHEN 'near' THEN 'far' ELSE 'near' END WHERE subscriber_id = :id",
            id=self.some(),
        )

    async def wish(self) -> None:
        change = (
            "language = 2",
            "categories = 5",
            "min_severity = 3",
            "quiet_from = 1380, quiet_to = 400",
            "quiet_from = NULL, quiet_to = NULL",
            "consent = 1 - consent",
            "state = CASE state WHEN 'active' THEN 'paused' WHEN 'paused' THEN 'active' ELSE state END",
        )[self.chance.below(7)]
        await self.town.clerk(f"UPDATE subscriber SET {change} WHERE id = :id", id=self.some())  # noqa: S608 - ours

    async def stop(self) -> None:
        state = ("stopped", "active", "gone")[self.chance.below(3)]
        await self.town.clerk(
            "UPDATE address SET state = :state WHERE id ="
            " (SELECT min(id) FROM address WHERE owner_kind = 'subscriber' AND owner_id = :id)",
            state=state, id=self.some(),
        )  # fmt: skip

    async def add_address(self) -> None:
        await self.town.clerk(
            "INSERT INTO address (owner_kind, owner_id, channel, kind, sealed, blind, rank, state, created_at)"
            " SELECT 'subscriber', id, 6, 'email', sealed, blind, rank, state, created_at FROM"
            " (SELECT s.id, a.sealed, a.blind, CAST(:rank AS smallint) AS rank, a.state, a.created_at FROM subscriber s"
            " JOIN address a ON a.owner_id = s.id AND a.owner_kind = 'subscriber' AND a.channel = 1) AS one"
            " WHERE id = :id AND NOT EXISTS"
            " (SELECT 1 FROM address b WHERE b.channel = 6 AND b.kind = 'email' AND b.blind = one.blind)",
            rank=self.chance.below(8), id=self.some(),
        )  # fmt: skip

    async def erase(self) -> None:
        id_ = self.some()
        async with self.town.house.store.writing() as session:
            person = await session.get(Subscriber, id_)
            if person is not None and person.state != "erased":
                await erase(session, person.reference, "test")


@pytest.mark.requirement("S002-14")
@seeded(3)
async def test_the_three_paths_agree_through_whatever_happens(
    town: Town, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MERGE_AT", 8)
    monkeypatch.setattr(live, "RELOAD_AT", 25)
    chance = Chance(seed)
    life = Life(town, chance)
    seen, merged, waited = 0, 0, 0
    base = -1
    for turn in range(90):
        for _ in range(1 + chance.below(3)):
            await life.happen()
        if turn % 15 == 14:
            life.area = chance.area()
        seen += len(await town.agree(life.area))
        merged += town.grid.people not in {base, 0}
        waited += not town.grid.loaded
        base = town.grid.people
    assert seen > 500
    assert merged > 3
    assert waited > 0
    await town.loaded()
    await town.agree(CITY)
