"""Processes a command starts and takes with it when it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

GRACE = 15.0


class Children:
    """Commands of geoalert run beside this one."""

    def __init__(self) -> None:
        self._running: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Self:
        return self

    async def start(self, *arguments: str) -> int:
        """Starts `geoalert <arguments>` and returns its process id."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "geoalert.cli.main", *arguments, "--with-parent", str(os.getpid())),
            stdin=asyncio.subprocess.DEVNULL,
        )
        self._running.append(child)
        return child.pid

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._running):
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.terminate()
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), GRACE)
            if child.returncode is None:
                child.kill()
                await child.wait()
