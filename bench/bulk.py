"""Many people at once: a file of a million brought in, and 200 who sign up at one moment; beside what one would pick
instead, in one run on one machine.

    .ci/run .venv/bin/python -m bench.bulk [--quick] [--rows N] [--json]

Needs a PostgreSQL with PostGIS that PGHOST names (`.ci/run` starts a private one). The ways of others store the rows as
they stand: no number is looked at, nothing is encrypted, refused or recorded, so they are a floor and not an equal.
Row by row is measured on a sample and scaled up. Seconds move with the neighbours; the ratios of one run count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.audience import fresh
from bench.intake.ours import Product
from bench.intake.people import write_people
from bench.intake.rivals import copied, make_tables, one_by_one

SAMPLE = 2_000  # rows that one can wait for, row by row
AT_ONCE = 200


async def measure(rows: int, rounds: int, folder: Path) -> dict[str, Any]:
    file = folder / "people.csv"
    good = write_people(file, rows)
    plain = await fresh("bench_plain")
    await make_tables(plain)
    stores = {"PostgreSQL": await fresh("bench_bulk"), "SQLite": f"sqlite:///{folder}/bulk.db"}
    imports, signups = {}, {}
    for name, url in stores.items():
        (folder / name).mkdir()
        product = Product(url, folder / name)
        product.make()
        imports[name] = await product.bring_in(file)
        assert imports[name].added == good, imports[name]
        product.command("audience", "verify")
        product.command("audit", "verify")
        signups[name] = await product.sign_ups(AT_ONCE, rounds)  # with everybody in the store
    sample = min(SAMPLE, rows)
    return {
        "rows": rows,
        "imports": {name: asdict(found) for name, found in imports.items()},
        "copy_s": await copied(plain, file),
        "one_by_one_s": await one_by_one(plain, file, sample) * rows / sample,
        "sampled": sample,
        "signups_s": {name: statistics.median(taken) for name, taken in signups.items()},
        "signups_worst_s": {name: max(taken) for name, taken in signups.items()},
    }


def show(found: dict[str, Any]) -> None:
    rows = found["rows"]
    print(f"{rows:,} rows of a CSV file")
    print(f"{'':>34} {'s':>9} {'rows/s':>9} {'cpu s':>8} {'server':>8} {'peak MB':>8} {'x geoalert':>11}")
    base = found["imports"]["PostgreSQL"]["seconds"]
    for name, each in found["imports"].items():
        taken = each["seconds"]
        print(
            f"{'geoalert, ' + name:>34} {taken:>9.1f} {rows / taken:>9,.0f} {each['cpu_s']:>8.1f}"
            f" {each['server_cpu_s']:>8.1f} {each['peak_mb']:>8.0f} {taken / base:>11.2f}"
        )
    for name, taken in (
        ("COPY, rows as they stand", found["copy_s"]),
        (f"row by row, from {found['sampled']:,}", found["one_by_one_s"]),
    ):
        print(f"{name:>34} {taken:>9.1f} {rows / taken:>9,.0f} {'':>26} {taken / base:>11.2f}")
    print(f"\n{AT_ONCE} sign-ups at one moment, s until all are answered (median, worst)")
    for name, taken in found["signups_s"].items():
        print(f"{name:>34} {taken:>9.2f} {found['signups_worst_s'][name]:>9.2f}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--quick", action="store_true", help="20,000 rows")
    options.add_argument("--rows", type=int, help="so many rows")
    options.add_argument("--json", action="store_true", help="one JSON document on stdout")
    chosen = options.parse_args()
    if "PGHOST" not in os.environ:
        raise SystemExit("no PostgreSQL: run it through .ci/run")
    rows = chosen.rows or (20_000 if chosen.quick else 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(rows, 3 if chosen.quick else 5, Path(folder)))
    if chosen.json:
        json.dump(found, sys.stdout, indent=1)
    else:
        show(found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
