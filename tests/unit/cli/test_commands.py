"""Commands bring in what they need, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from geoalert.cli.commands import ENTRIES
from tests.command_line import Command

ROOT = Path(__file__).parents[3]
HEAVY = {"sqlalchemy", "shapely", "fastapi", "matplotlib", "numba", "twilio"}
# As much as each may bring in of these. What draws, answers on HTTP or compiles is for those who do.
STORE = {"sqlalchemy", "shapely", "twilio"}
ALLOWED = {"alert": STORE, "locate": STORE, "serve": STORE | {"fastapi"}, "subscribers": STORE, "worker": STORE}


CODE = """
import sys
from contextlib import suppress
from geoalert.cli.main import run
with suppress(SystemExit):
    run()
print(*sys.modules, file=sys.stderr)
"""


def brought_in(*arguments: str) -> set[str]:
    """Which of the heavy ones the command left in its process."""
    made = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return HEAVY & set(made.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(("name", "allowed"), ALLOWED.items())
def test_a_command_brings_in_what_it_needs(name: str, allowed: set[str]) -> None:
    assert brought_in(name, "--help") <= allowed


def test_help_and_version_bring_in_nothing() -> None:
    assert brought_in("--help") == brought_in("--version") == brought_in("locte") == set()


def test_help_lists_what_there_is(geoalert: Command) -> None:
    said = geoalert("--help")
    assert said.returncode == 0
    lines = [line.split(maxsplit=1) for line in said.stdout.partition("Commands:")[2].splitlines() if line]
    assert dict(lines) == {name: entry.help for name, entry in ENTRIES.items()}


@pytest.mark.parametrize("name", ENTRIES)
def test_each_is_there_and_says_what_it_does(name: str, geoalert: Command) -> None:
    said = geoalert(name, "--help")
    assert said.returncode == 0
    assert f"Usage: geoalert {name} " in said.stdout


def test_a_slip_is_answered_with_what_was_meant(geoalert: Command) -> None:
    said = geoalert("locte")
    assert said.returncode == 2
    assert "No such command 'locte'. Did you mean 'locate'?" in said.stderr
