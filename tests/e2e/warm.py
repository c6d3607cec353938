"""`geoalert` without the seconds it takes to start: every command is still a process of its own, with its own folder,
environment, words and exit code, but forked from one that has imported everything.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from geoalert.cli.commands import modules
from geoalert.cli.main import run
from tests.e2e.commands import LIMIT, Ran, environment

WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["geoalert.cli.main", *modules()])
# Starting a process asks how all others are; of two that ask at once how one ended, the second is told 255.
_ASKING = threading.Lock()


def start(process: ForkServerProcess) -> None:
    """Starts it; from any thread."""
    with _ASKING:
        process.start()


def exit_code(process: ForkServerProcess) -> int | None:
    """How it ended, or None while it has not."""
    with _ASKING:
        return process.exitcode


def become(
    arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str], out: Path, err: Path, typed: str = ""
) -> None:
    """Ends as the command does. `typed` is on its standard input."""
    sys.stdin = io.StringIO(typed)
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        with path.open("wb") as words:
            os.dup2(words.fileno(), number)
    sys.argv = ["geoalert", *arguments]
    run()


@dataclass(frozen=True)
class Shell:
    """A folder to give commands in, as whoever holds a credential."""

    folder: Path
    env: Mapping[str, str]

    def as_(self, credential: str) -> Shell:
        return Shell(self.folder, {**self.env, "GEOALERT_CREDENTIAL": credential})

    def __call__(self, *arguments: str, limit: float = LIMIT, typed: str = "") -> Ran:
        """`geoalert <arguments>`, from start to end, with this on its standard input."""
        out, err = self.folder / "command.out", self.folder / "command.err"
        process = WARM.Process(target=become, args=(arguments, self.folder, dict(self.env), out, err, typed))
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"not within {limit} s: geoalert {' '.join(arguments)}")
        return Ran(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")).polite()


def shell(folder: Path, **settings: str) -> Shell:
    return Shell(folder, environment(**settings))
