"""Telling people, beside what one would pick instead; and an emergency that comes while a million wait.

    .ci/run .venv/bin/python -m bench.dispatch [--quick] [--json]

A raw sink on loopback stands for FCM. Every way sends the same texts to the same tokens. Needs a PostgreSQL with
PostGIS (`.ci/run` starts a private one); Celery and RabbitMQ are measured where they are installed
(`pip install -r bench/requirements.lock`, Debian's rabbitmq-server). Rates move with the neighbours; the ratios of one
run count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.audience import fresh
from bench.outbound.celery_run import celery_run, why_not
from bench.outbound.door import from_post_to_call
from bench.outbound.lanes import beside_routine
from bench.outbound.town import Town, found, sink

FAST = 1e6  # recipients a second: nothing is paced


@dataclass(frozen=True)
class Scale:
    recipients: int
    rivals: int  # recipients one can wait for, one by one
    rounds: int
    routine: int
    urgent: int
    emergencies: int
    people: int  # in the store of the last question
    posts: int


FULL = Scale(50_000, 5_000, 5, 1_000_000, 50_000, 20, 1_000_000, 100)
QUICK = Scale(20_000, 1_000, 3, 50_000, 5_000, 3, 20_000, 10)


async def carried(town: Town, count: int, workers: int, in_flight: int) -> float:
    """Seconds from the release's commit until every outcome is written."""
    with town.workers(workers, in_flight, FAST):
        await town.sent()
        begun = time.perf_counter()
        await town.until_done()
        taken = time.perf_counter() - begun
    assert count
    return taken


def alone(module: str, *arguments: object) -> float:
    """What a process of its own says it took."""
    command = [sys.executable, "-m", f"bench.outbound.{module}", *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ours


async def measure(scale: Scale, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {"recipients": scale.recipients, "scale": scale.__dict__}
    async with AsyncExitStack() as stack:
        quick_sink = stack.enter_context(sink(2.0))
        stores = {"PostgreSQL": await fresh("bench_dispatch"), "SQLite": f"sqlite:///{folder}/dispatch.db"}
        towns = {name: await found(url, folder / name, quick_sink.url, stack) for name, url in stores.items()}
        for town in towns.values():
            await town.settle(scale.recipients)
        rates: dict[str, list[float]] = {
            name: [] for name in (*towns, "channel alone", "the same, plain", "pyfcm loop", "celery")
        }
        lost = doubled = 0
        missing = why_not()
        credentials = towns["PostgreSQL"].credentials
        for number in range(scale.rounds):
            bare = ("bare", credentials, scale.recipients, 64)
            rates["channel alone"].append(scale.recipients / alone(*bare, "settled"))
            rates["the same, plain"].append(scale.recipients / alone(*bare))
            for name, town in towns.items():
                quick_sink.forget()
                rates[name].append(scale.recipients / await carried(town, scale.recipients, 1, 64))
                (seen,) = quick_sink.seen().values()
                lost += scale.recipients - seen["tokens"]
                doubled += seen["requests"] - seen["tokens"]
            rates["pyfcm loop"].append(scale.rivals / alone("loop", credentials, scale.rivals))
            if not missing:
                quick_sink.forget()
                (folder / f"celery{number}").mkdir()
                taken = celery_run(quick_sink, credentials, folder / f"celery{number}", scale.rivals)
                rates["celery"].append(scale.rivals / taken)
        middle = {name: statistics.median(found) for name, found in rates.items() if found}
        slow_sink = stack.enter_context(sink(50.0))
        slow = await found(await fresh("bench_slow"), folder / "slow", slow_sink.url, stack)
        few = max(scale.recipients // 6, 4_000)  # eight batches, for two to share
        await slow.settle(few)
        one, two = [], []
        for _ in range(2):  # a minute each
            one.append(await carried(slow, few, 1, 8))
            two.append(await carried(slow, few, 2, 8))
        result |= {
            "rates": middle,
            "lost": lost,
            "doubled": doubled,
            "ledger_overhead": 1 - middle["PostgreSQL"] / middle["channel alone"],
            "over_the_plain_channel": 1 - middle["PostgreSQL"] / middle["the same, plain"],
            "vs_pyfcm_loop": middle["PostgreSQL"] / middle["pyfcm loop"],
            "vs_celery": middle["PostgreSQL"] / middle["celery"] if "celery" in middle else None,
            "celery_missing": missing,
            "two_workers": statistics.median(one) / statistics.median(two),
        }
    result["priority"] = await beside_routine(
        await fresh("bench_lanes"), folder / "lanes", scale.routine, scale.urgent, scale.emergencies
    )
    result["broadcast"] = await from_post_to_call(await fresh("bench_door"), folder / "door", scale.people, scale.posts)
    return result


def show(found: dict[str, Any]) -> None:
    print(f"{found['recipients']:,} recipients, one worker; recipients a second, beside the channel alone")
    base = found["rates"]["channel alone"]
    for name, rate in found["rates"].items():
        print(f"{name:>16} {rate:>9,.0f} {rate / base:>7.2f}")
    if found["celery_missing"]:
        print(f"          celery: not measured, for want of {found['celery_missing']}")
    celery = "not measured" if found["vs_celery"] is None else f"{found['vs_celery']:.1f} x"
    print(f"\nlost {found['lost']}, told twice {found['doubled']}")
    plain = f"{found['over_the_plain_channel']:.0%} of what it has in a process as Python makes it"
    print(f"the ledger costs {found['ledger_overhead']:.0%} of the channel's own speed (PostgreSQL), {plain}")
    print(f"a pyfcm loop: {found['vs_pyfcm_loop']:.1f} x; Celery, one task a recipient: {celery}")
    print(f"two workers, 8 in flight each, 50 ms a request: {found['two_workers']:.2f} x one")
    lanes, door = found["priority"], found["broadcast"]
    print(f"\n{lanes['routine']:,} routine recipients wait, {lanes['urgent']:,} of an Extreme message come:")
    worst = f"at worst {lanes['first_worst_s']:.2f} s"
    print(f"  first attempt after {lanes['first_s']:.2f} s (median of {lanes['runs']}), {worst}")
    print(f"  until it is done it has {lanes['share']:.0%} of the speed, routine work {lanes['routine_share']:.0%}")
    print(f"  was this person told: {lanes['was_told_ms']:.0f} ms to find one among them all")
    print(f"\nfrom POST /v1/broadcasts to the first call of the provider, {door['people']:,} people in the store:")
    print(f"  p50 {door['p50_ms']:.0f} ms, p99 {door['p99_ms']:.0f} ms ({door['posts']} broadcasts)")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--quick", action="store_true", help="a hundredth of it")
    options.add_argument("--rounds", type=int, help="so many of each way")
    options.add_argument("--emergencies", type=int, help="so many, one after the other")
    options.add_argument("--json", action="store_true", help="one JSON document on stdout")
    chosen = options.parse_args()
    if "PGHOST" not in os.environ:
        raise SystemExit("no PostgreSQL: run it through .ci/run")
    with tempfile.TemporaryDirectory() as folder:
        scale = QUICK if chosen.quick else FULL
        wanted = {"rounds": chosen.rounds, "emergencies": chosen.emergencies}
        scale = replace(scale, **{name: value for name, value in wanted.items() if value})
        result = asyncio.run(measure(scale, Path(folder)))
    if chosen.json:
        json.dump(result, sys.stdout, indent=1)
    else:
        show(result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
