"""From an area to durable batches, beside what one would pick instead, in one run on one machine.

    .ci/run .venv/bin/python -m bench.audience [--quick] [--json] [--chart FILE] [--without WAY]

Needs a PostgreSQL with PostGIS that PGHOST names (`.ci/run` starts a private one). Every way's answer is compared with
plain shapely before anything is timed. Each figure is the median of rounds taken in turn, over the areas of a kind;
every time ends with a commit. Milliseconds move with the neighbours; the ratios of one run are the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
from shapely.geometry.base import BaseGeometry

from bench.fanout.chart import draw
from bench.fanout.crowd import Crowd, make_areas, make_crowd
from bench.fanout.door import previews
from bench.fanout.ours import Ours, opened
from bench.fanout.rivals import PostGis, Sjoin, by_shapely
from geoalert import compiled
from geoalert.store.keys import new_keys, write_keys

WAYS = ("postgis", "postgis tuned", "sjoin + COPY", "database", "grid", "compiled", "grid, SQLite")
RIVALS = WAYS[:3]
CHANGES = 300


@dataclass
class Way:
    """One way to do it: `run` ends durable; `empty` makes room for the next."""

    run: Callable[[BaseGeometry], Awaitable[object]]
    answer: Callable[[], Awaitable[Any]]
    empty: Callable[[], Awaitable[None]]
    times: dict[str, list[float]] = field(default_factory=dict)


def server(database: str) -> str:
    env = os.environ
    return f"postgresql://{env['PGUSER']}:{env['PGPASSWORD']}@{env['PGHOST']}:{env['PGPORT']}/{database}"


async def fresh(name: str) -> str:
    """A new database with PostGIS."""
    admin = await asyncpg.connect(server("postgres"))
    await admin.execute(f"DROP DATABASE IF EXISTS {name}")
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    connection = await asyncpg.connect(server(name))
    await connection.execute("CREATE EXTENSION postgis")
    await connection.close()
    return server(name)


async def settled() -> None:
    """Writes out what loading left in memory: it would be written beside what is measured."""
    admin = await asyncpg.connect(server("postgres"))
    await admin.execute("CHECKPOINT")
    await admin.close()


async def measure(people: int, rounds: int, folder: Path, without: Collection[str]) -> dict[str, Any]:
    if not compiled.prepare():
        raise SystemExit("the compiled loops cannot be had: make setup")
    crowd, areas = make_crowd(people), make_areas()
    write_keys(folder / f"keys{people}.json", new_keys())
    async with AsyncExitStack() as open_now:
        keys = folder / f"keys{people}.json"
        ours = await open_now.enter_async_context(opened(await fresh(f"bench_{people}"), keys, crowd))
        embedded = await open_now.enter_async_context(opened(f"sqlite:///{folder}/{people}.db", keys, crowd))
        rival = await PostGis.load(await fresh(f"rival_{people}"), crowd)
        open_now.push_async_callback(rival.close)
        await settled()
        sjoin = Sjoin(crowd)

        async def by_sjoin(area: BaseGeometry) -> None:
            await rival.copy(sjoin(area))

        ways = {
            "postgis": Way(rival.stock, rival.recipients, rival.empty),
            "postgis tuned": Way(rival.tuned, rival.recipients, rival.empty),
            "sjoin + COPY": Way(by_sjoin, rival.recipients, rival.empty),
            "database": Way(ours.by_database, ours.recipients, ours.empty),
            "grid": Way(ours.by_grid, ours.recipients, ours.empty),
            "compiled": Way(ours.by_compiled, ours.recipients, ours.empty),
            "grid, SQLite": Way(embedded.by_grid, embedded.recipients, embedded.empty),
        }
        for name in without:
            ways.pop(name, None)
        for each in (ours, embedded):
            while not (each.house.grid and each.house.grid.loaded):  # noqa: ASYNC110 - a bench may look again
                await asyncio.sleep(0.2)
        told = await _compare(crowd, areas, ways)
        for _ in range(rounds):
            for kind, area in areas:
                for way in ways.values():
                    begun = time.perf_counter()
                    await way.run(area)
                    way.times.setdefault(kind, []).append((time.perf_counter() - begun) * 1_000)
                    await way.empty()
        compiled.switch(on=False)
        looked = await previews(ours.house, rival)  # before anybody moves: the rival would not know
        grid = ours.house.grid
        assert grid is not None
        return {
            "people": people,
            "places": len(crowd.owner),
            "told": told,
            "ms": {
                name: {kind: statistics.median(taken) for kind, taken in way.times.items()}
                for name, way in ways.items()
            },
            "grid_mb": grid.nbytes / 1e6,
            "change_p95_ms": {
                "postgresql": await _changes(ours, people),
                "sqlite": await _changes(embedded, people),
            },
            "preview_p95_ms": looked,
        }


async def _compare(crowd: Crowd, areas: list[tuple[str, BaseGeometry]], ways: dict[str, Way]) -> dict[str, int]:
    """Every way's answer against plain shapely's; how many are told, by kind."""
    told: dict[str, list[int]] = {}
    for kind, area in areas:
        expected = by_shapely(crowd, area)
        told.setdefault(kind, []).append(len(expected))
        for name, way in ways.items():
            await way.run(area)
            if not np.array_equal(await way.answer(), expected):
                raise SystemExit(f"{name} tells other people than plain shapely in the {kind}")
    return {kind: int(statistics.median(counts)) for kind, counts in told.items()}


async def _changes(ours: Ours, people: int) -> float:
    """p95, in ms, of one person's move until it is committed. The live grid follows beside it and is not asked."""
    chance = np.random.default_rng(5)
    taken = []
    for person in chance.integers(1, people, CHANGES).tolist():
        x, y = int(chance.uniform(73.8e7, 73.9e7)), int(chance.uniform(18.45e7, 18.55e7))
        begun = time.perf_counter()
        await ours.move(person, x, y)
        taken.append((time.perf_counter() - begun) * 1_000)
    return float(np.quantile(taken, 0.95))


def show(found: dict[str, Any]) -> None:
    ms, told = found["ms"], found["told"]
    ours = [name for name in ("compiled", "grid", "database") if name in ms]
    print(f"\n{found['people']:,} people, {found['places']:,} places: ms until all batches are durable")
    print(f"{'':>10} {'told':>9} " + " ".join(f"{name:>14}" for name in ms))
    for kind, count in told.items():
        print(f"{kind:>10} {count:>9,} " + " ".join(f"{taken[kind]:>14.1f}" for taken in ms.values()))
    print(f"times faster ({' / '.join(ours)}, all in PostgreSQL)")
    for kind in told:
        print(
            f"{kind:>10} {'':>9} "
            + " ".join(
                "/".join(f"{ms[name][kind] / ms[way][kind]:.1f}" for way in ours).rjust(14)
                for name in RIVALS
                if name in ms
            )
        )
    print(f"grid {found['grid_mb']:.1f} MB; one move p95 {found['change_p95_ms']}")
    print(f"preview over HTTP beside one count by SQL, p95: {found['preview_p95_ms']}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--quick", action="store_true", help="100,000 people and 3 rounds")
    options.add_argument("--people", type=int, help="one run of so many people")
    options.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options.add_argument("--chart", type=Path, help="a PNG of the ratios")
    others = [name for name in WAYS if name != "grid"]
    options.add_argument(
        "--without", action="append", choices=others, default=[], help="leaves one out; may be repeated"
    )
    chosen = options.parse_args()
    sizes: tuple[int, ...]
    sizes, rounds = ((100_000,), 3) if chosen.quick else ((1_000_000, 5_000_000), 5)
    if chosen.people:
        sizes = (chosen.people,)
    if "PGHOST" not in os.environ:
        raise SystemExit("no PostgreSQL: run it through .ci/run")
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for people in sizes:
            runs.append(asyncio.run(measure(people, rounds, Path(folder), chosen.without)))
            if not chosen.json:
                show(runs[-1])
    if chosen.chart is not None:
        draw(runs[0], chosen.chart)
    larger = runs[1:]
    growth = {kind: larger[0]["ms"]["grid"][kind] / runs[0]["ms"]["grid"][kind] for kind in runs[0]["told"] if larger}
    if chosen.json:
        shown = {f"preview_{kind}_p95_ms": taken["geoalert"] for kind, taken in runs[0]["preview_p95_ms"].items()}
        json.dump(shown | {"growth": growth, "runs": runs, "rounds": rounds}, sys.stdout, indent=1)
    elif growth:
        print("growth to five times the people, grid:", {kind: round(value, 1) for kind, value in growth.items()})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
