"""A store of its own on the command line: officers who may act on it, and people to tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from geoalert.operations.demo_story import WATER
from tests.e2e.warm import Shell
from tests.workbench import HADAPSAR, KOTHRUD

HEADER = "phone,email,push_token,places,language,categories,channels,min_severity,quiet_hours,consent\n"
HERE, THERE = (f"{lat:.4f} {lon:.4f}" for lon, lat in (KOTHRUD, HADAPSAR))


@dataclass(frozen=True)
class Town:
    """An upgraded store with officers who may act on it."""

    shell: Shell
    author: str
    approver: str
    disaster: str
    machine: str

    def file(self, name: str, body: Any) -> str:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        (self.shell.folder / name).write_text(text, encoding="utf-8")
        return name

    def as_(self, credential: str) -> Shell:
        return self.shell.as_(credential)

    def settle(self, rows: Sequence[str]) -> None:
        """Imports the people of these rows, all of them good."""
        self.file("people.csv", HEADER + "\n".join(rows) + "\n")
        assert self.shell("subscribers", "import", "people.csv").code == 0


def credential(shell: Shell, unit: str, *options: str) -> str:
    """A new one of the unit's."""
    ran = shell("keys", "create", unit, *options)
    assert ran.code == 0, ran.err
    return ran.out.strip()


def found_town(empty: Shell) -> Town:
    """A town in a folder without a store."""
    assert empty("db", "upgrade").code == 0
    return Town(
        empty,
        author=credential(empty, "water-supply", "--officer", "First"),
        approver=credential(empty, "water-supply", "--officer", "Second"),
        disaster=credential(empty, "disaster-management", "--officer", "Third", "--role", "disaster"),
        machine=credential(empty, "water-supply"),
    )


def body(**changes: Any) -> dict[str, Any]:
    """A water cut for Kothrud's office."""
    expires = datetime.now(UTC) + timedelta(hours=6)
    return {
        "category": "water-supply",
        "severity": "Moderate",
        "expires": expires.isoformat(),
        "texts": WATER,
        "area": {"wards": ["kothrud-bavdhan"]},
        "channels": ["push", "sms"],
    } | changes
