"""`geoalert <command>` as a supervisor keeps it: started again whenever it ends, and killed when a test says so."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from tests.e2e.commands import Ran
from tests.e2e.warm import WARM, become, exit_code, start
from tests.waiting import until

PAUSE: Final = 0.3  # seconds before a command that ended is started again


@dataclass
class Kept:
    """`ended` are its ends so far, in order; `pid` is the process that runs now."""

    arguments: tuple[str, ...]
    folder: Path
    env: Mapping[str, str]
    ended: list[Ran] = field(default_factory=list)
    _process: ForkServerProcess | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def words(self) -> str:
        """What the one that runs now has said to a person."""
        path = self._file("err")
        return path.read_text(encoding="utf-8") if path.exists() else ""

    async def kill(self) -> None:
        """Ends the one that runs now, or the next if none does."""
        await until(lambda: self._process, "it runs")
        before = len(self.ended)
        assert self._process is not None
        self._process.kill()
        await until(lambda: len(self.ended) > before, "it is gone")

    async def keep(self) -> None:
        while True:
            out, err = self._file("out"), self._file("err")
            process = WARM.Process(target=become, args=(self.arguments, self.folder, dict(self.env), out, err))
            await asyncio.to_thread(start, process)
            self._process = process
            try:
                await until(lambda process=process: exit_code(process) is not None, "it ends", 3600)  # type: ignore[misc]
            finally:
                self._process = None
                process.kill()
                await asyncio.to_thread(process.join)
            code = exit_code(process)
            assert code is not None
            words = [path.read_text(encoding="utf-8") if path.exists() else "" for path in (out, err)]
            self.ended.append(Ran(code, *words))
            process.close()
            await asyncio.sleep(PAUSE)

    def by_itself(self) -> list[Ran]:
        """Those of its ends that were no kill of ours."""
        return [ran for ran in self.ended if ran.code != -signal.SIGKILL]

    def _file(self, kind: str) -> Path:
        return self.folder / f"{self.arguments[0]}{len(self.ended)}.{kind}"


@asynccontextmanager
async def kept(*arguments: str, folder: Path, env: Mapping[str, str]) -> AsyncIterator[Kept]:
    """Keeps a command for the length of a block."""
    command = Kept(arguments, folder, env)
    keeping = asyncio.create_task(command.keep())
    try:
        yield command
        assert not keeping.done(), "its supervisor ended"
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
