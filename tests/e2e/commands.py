"""`geoalert` as people start it: a process of its own, judged by its exit code and its words."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.waiting import until

COMMAND = (sys.executable, "-m", "geoalert.cli.main")
LIMIT = 60.0
# Every number and token that the demo and the tests make up.
PERSONAL = re.compile(rb"\+915\d{9}|\+12025550\d{3}|demo-\d{6}-[0-9a-f]{15}|test-token-\d{6}")


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything beside it fails."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """What it said to a person."""
        return [line for line in self.err.splitlines() if line.strip()]

    def polite(self) -> Self:
        """Whatever it was asked: no traceback, no warning, nobody's number or token."""
        assert "Traceback" not in self.out + self.err, self.err
        assert "Warning:" not in self.err, self.err
        assert not PERSONAL.search((self.out + self.err).encode())
        return self

    def refused(self, words: str = "") -> str:
        """The one line of a refusal, after checking that it is one."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert len(self.lines) == 1, self.err
        (line,) = self.lines
        assert line.startswith("refused: "), line
        assert words in line, line
        return line


def environment(**changes: str) -> dict[str, str]:
    """This process's, without anybody's settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GEOALERT_")}
    return clean | {"COLUMNS": "160"} | changes


@dataclass(frozen=True)
class Running:
    """A command in a process group of its own; its words go to files."""

    process: asyncio.subprocess.Process
    out: Path
    err: Path

    def signal(self, number: signal.Signals) -> None:
        """To the command alone, as a supervisor or an out-of-memory killer would."""
        self.process.send_signal(number)

    async def ended(self, limit: float = LIMIT) -> Ran:
        await asyncio.wait_for(self.process.wait(), limit)
        code = self.process.returncode
        assert code is not None
        return Ran(code, self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8"))

    def left(self) -> list[int]:
        """Processes of its group that still run."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state != "Z":
                    found.append(int(stat.parent.name))
        return found

    async def alone(self, limit: float = 10.0) -> None:
        """Waits until nothing it started is left."""
        await until(lambda: not self.left(), "its children go", limit)


@asynccontextmanager
async def running(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, name: str = "command"
) -> AsyncIterator[Running]:
    """`geoalert <arguments>` for the length of a block; what is left of it at the end is killed."""
    out, err = cwd / f"{name}.out", cwd / f"{name}.err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            cwd=cwd,
            env=dict(env if env is not None else environment()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            start_new_session=True,
        )
    try:
        yield Running(process, out, err)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, limit: float = LIMIT, name: str = "command"
) -> Ran:
    """A command from start to end."""
    async with running(*arguments, cwd=cwd, env=env, name=name) as command:
        return (await command.ended(limit)).polite()
