"""What N databases would carry, from the figures that `bench.audience --json` printed: the model of docs/scale.md.

    .venv/bin/python -m bench.scale FIGURES.json [--people 50000000] [--json]

A release takes `fixed + per person x told` on the node that holds the people; both are fitted to the run's own areas
and sizes, and the worst miss of the fit is shown. Shards are ranges of cells, which are bands of latitude: whoever has
places in two bands may be found twice, so those alone cross the network and are made unique, which is measured here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from geoalert.dispatch.heard import distinct

SHARDS: Final = (1, 5, 10, 20, 50)
TWO_PLACES: Final = 0.3  # of the bench's people; that both lie in one band is not counted on
LEAST: Final = 5_000  # told: below it everybody is fast, and a line through it says nothing


@dataclass(frozen=True)
class Line:
    """ms = fixed + per_million x millions told; `miss` is the worst share by which it is off."""

    fixed: float
    per_million: float
    miss: float

    def ms(self, told: float) -> float:
        return self.fixed + self.per_million * told / 1e6


@dataclass(frozen=True)
class Shard:
    """One of `shards` equal nodes."""

    shards: int
    people: int
    grid_mb: float
    everybody_ms: float
    crossing_mb: float
    unique_ms: float


def fitted(runs: list[dict[str, Any]], way: str) -> Line:
    """Least squares of the relative error: a ward counts as much as a city."""
    points = [
        (run["told"][kind], ms) for run in runs for kind, ms in run["ms"][way].items() if run["told"][kind] > LEAST
    ]
    told, taken = np.array(points).T
    weighed = np.column_stack([np.ones(len(told)), told / 1e6]) / taken[:, None]
    (fixed, slope), *_ = np.linalg.lstsq(weighed, np.ones(len(told)), rcond=None)
    line = Line(float(fixed), float(slope), 0.0)
    miss = max(abs(line.ms(count) - ms) / ms for count, ms in points)
    return Line(line.fixed, line.per_million, float(miss))


def unique_ms(ids: int, shards: int) -> float:
    """Making the ids that several shards found one ascending list: median of five."""
    chance = np.random.default_rng(1)
    found = [np.sort(chance.integers(1, 1 << 40, max(1, ids // shards))) for _ in range(shards)]
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        distinct(np.concatenate(found))
        taken.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(taken)


def modelled(figures: dict[str, Any], people: int) -> dict[str, Any]:
    runs = figures["runs"]
    lines = {way: fitted(runs, way) for way in ("postgis", "database", "grid", "compiled") if way in runs[0]["ms"]}
    last = runs[-1]
    share = last["told"]["city"] / last["people"]
    told = people * share
    nodes = []
    for shards in SHARDS:
        crossing = 0 if shards == 1 else int(told * TWO_PLACES)
        nodes.append(
            Shard(
                shards=shards,
                people=people // shards,
                grid_mb=last["grid_mb"] / last["people"] * people / shards,
                everybody_ms=lines["grid"].ms(told / shards),
                crossing_mb=crossing * 8 / 1e6,
                unique_ms=unique_ms(crossing, shards) if crossing else 0.0,
            )
        )
    return {
        "people": people,
        "told": int(told),
        "lines": {way: asdict(line) for way, line in lines.items()},
        "nodes": [asdict(node) for node in nodes],
    }


def show(model: dict[str, Any]) -> None:
    for way, line in model["lines"].items():
        said = f"{line['fixed']:6.1f} ms + {line['per_million']:7.0f} ms a million told (off by {line['miss']:.0%})"
        print(f"{way:>10}: {said}")
    print(f"\n{model['people']:,} people, everybody at once: {model['told']:,} told by each shard's own grid")
    print(f"{'shards':>7} {'people each':>12} {'grid MB':>8} {'release s':>10} {'crossing MB':>12} {'unique s':>9}")
    for node in model["nodes"]:
        print(
            f"{node['shards']:>7} {node['people']:>12,} {node['grid_mb']:>8.0f} {node['everybody_ms'] / 1e3:>10.2f}"
            f" {node['crossing_mb']:>12.0f} {node['unique_ms'] / 1e3:>9.2f}"
        )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("figures", type=Path, help="what `bench.audience --json` printed")
    options.add_argument("--people", type=int, default=50_000_000)
    options.add_argument("--json", action="store_true", help="one JSON document on stdout")
    chosen = options.parse_args()
    model = modelled(json.loads(chosen.figures.read_text()), chosen.people)
    if chosen.json:
        json.dump(model, sys.stdout, indent=1)
    else:
        show(model)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
