"""An import file of made-up people: seeded, so that two runs bring in the same; one row in 200 is to be refused."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Final

from bench.fanout.crowd import EAST, NORTH, SOUTH, WEST

COLUMNS: Final = ("phone", "push_token", "places", "language", "categories", "channels", "quiet_hours", "consent")
CATEGORIES: Final = ("", "water-supply", "water-supply|flood", "flood|road")
FAULTY: Final = 200
SHORTEST: Final = 9_000_000_000  # mobile numbers that the numbering plan calls valid


def write_people(path: Path, count: int, seed: int = 2_026) -> int:
    """Writes `count` rows and returns how many of them are good. No two good rows have an address in common."""
    chance = random.Random(seed)  # noqa: S311 - made-up people
    faults = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        for number in range(count):
            faulty = number % FAULTY == FAULTY - 1
            faults += faulty
            places = [_place(chance) for _ in range(1 + (chance.random() < 0.3))]
            push = chance.random() < 0.6
            rows.writerow(
                (
                    "12345" if faulty else f"+91{SHORTEST + number}",
                    f"made-up-token-{number:09d}-{chance.getrandbits(512):0128x}" if push else "",
                    ";".join(places),
                    chance.choice(("mr", "hi", "en", "")),
                    chance.choice(CATEGORIES),
                    "push|sms" if push else "",
                    "22:00-06:30" if chance.random() < 0.1 else "",
                    "form" if chance.random() < 0.95 else "",
                )
            )
    return count - faults


def _place(chance: random.Random) -> str:
    return f"{chance.uniform(SOUTH, NORTH):.6f} {chance.uniform(WEST, EAST):.6f}"
