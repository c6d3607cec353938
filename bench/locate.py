"""How fast points are put in their unit, beside what one would reach for instead, in one run on one machine.

    python bench/locate.py [--quick] [--json]

Medians of rounds taken in turn, so that a slow moment falls on all. Every way's answers are compared before anything
is timed. `sjoin` is given points already built; building them from two columns is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geoalert.wards import City, WardIndex, load_city, locate, locate_many

CITY = Path(__file__).parents[1] / "data" / "ward_boundaries" / "pune"
ON = date(2026, 11, 1)
ONE_BY_ONE = 20_000  # as many as one can wait for; its time is scaled up to the number of points
SINGLES = 20_000
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--quick", action="store_true", help="a tenth of the points and fewer rounds")
    options.add_argument("--json", action="store_true", help="one JSON document on stdout")
    chosen = options.parse_args()
    count, rounds = (100_000, 3) if chosen.quick else (1_000_000, 5)

    begun = time.perf_counter()
    city = load_city(CITY)
    loaded = time.perf_counter()
    before = _resident()
    index = WardIndex(city.tree, city.config.note)
    locate(index, 73.8077, 18.5074, ON)
    ready, after = time.perf_counter(), _resident()

    lons, lats = _scatter(city, count)
    units = gpd.GeoDataFrame(
        {"number": np.arange(len(index.units))},
        geometry=[unit.geometry for unit in index.units],
        crs=4326,
    )[[unit.in_force(ON) for unit in index.units]]
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lons, lats), crs=4326)
    few = points.geometry.to_numpy()[:ONE_BY_ONE]
    prepared = [(int(number), shape) for number, shape in units.itertuples(index=False)]
    shapely.prepare([shape for _, shape in prepared])

    ways: dict[str, Callable[[], Numbers]] = {
        "geoalert locate_many": lambda: locate_many(index, lons, lats, ON),
        "geopandas.sjoin": lambda: _sjoin(points, units),
        "geopandas.sjoin, points built": lambda: _sjoin(
            gpd.GeoDataFrame(geometry=gpd.points_from_xy(lons, lats), crs=4326), units
        ),
        "shapely contains, one by one": lambda: _one_by_one(few, prepared),
    }
    answers = {name: way() for name, way in ways.items()}
    ours = answers["geoalert locate_many"]
    differing = {name: int((ours[: len(found)] != found).sum()) for name, found in answers.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            scale = count / len(few) if "one by one" in name else 1
            times[name].append((time.perf_counter() - start) * scale)

    medians = {name: statistics.median(taken) for name, taken in times.items()}
    figures = {
        "points": count,
        "rounds": rounds,
        "seconds": {name: round(median, 4) for name, median in medians.items()},
        "times_slower": {name: round(median / medians["geoalert locate_many"], 1) for name, median in medians.items()},
        "differing_answers": differing,
        "single_microseconds": _single(index, lons, lats),
        "load_city_ms": round((loaded - begun) * 1000, 1),
        "index_ready_ms": round((ready - loaded) * 1000, 1),
        "index_memory_mb": round((after - before) / 1e6, 1),
    }
    if chosen.json:
        json.dump(figures, sys.stdout, indent=1)
        print()
    else:
        _table(figures, medians)
    return 1 if any(differing.values()) else 0


def _scatter(city: City, count: int) -> tuple[Floats, Floats]:
    """Made-up points over the city and a little beyond, the same in every run."""
    box, random = city.config.bbox, np.random.default_rng(20_210_630)
    return random.uniform(box.west, box.east, count), random.uniform(box.south, box.north, count)


def _sjoin(points: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> Numbers:
    joined = gpd.sjoin(points, units, how="left", predicate="intersects")
    # A point on a line comes twice; the lowest number is the lowest code.
    numbers = joined["number"].fillna(-1).groupby(level=0).min() if len(joined) > len(points) else joined["number"]
    found: Numbers = numbers.fillna(-1).to_numpy().astype(np.int64)
    return found


def _one_by_one(points: NDArray[np.object_], units: list[tuple[int, shapely.Polygon]]) -> Numbers:
    return np.array(
        [next((number for number, shape in units if shape.contains(point)), -1) for point in points], dtype=np.int64
    )


def _single(index: WardIndex, lons: Floats, lats: Floats) -> dict[str, float]:
    taken = []
    for lon, lat in zip(lons[:SINGLES].tolist(), lats[:SINGLES].tolist(), strict=True):
        start = time.perf_counter()
        locate(index, lon, lat, ON)
        taken.append((time.perf_counter() - start) * 1e6)
    taken.sort()
    return {"median": round(statistics.median(taken), 1), "p99": round(taken[int(len(taken) * 0.99)], 1)}


def _resident() -> int:
    """Bytes of this process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def _table(figures: dict[str, object], medians: dict[str, float]) -> None:
    print(f"{figures['points']:,} points over Pune, median of {figures['rounds']}\n")
    fastest = medians["geoalert locate_many"]
    for name, median in medians.items():
        print(f"  {name:32} {median * 1000:10,.1f} ms   {median / fastest:8,.1f} x")
    for name in ("differing_answers", "single_microseconds", "load_city_ms", "index_ready_ms", "index_memory_mb"):
        print(f"  {name:32} {figures[name]}")


if __name__ == "__main__":
    sys.exit(main())
