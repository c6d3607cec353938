"""How far a long command is: a bar where somebody watches a terminal, a plain line now and then where it goes to a
file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

EVERY: Final = 10.0  # seconds between two plain lines
Tell = Callable[[int, int], None]  # rows so far, and how much of the total that was


@contextmanager
def pace(console: Console, doing: str, total: int, clock: Callable[[], float] = time.monotonic) -> Iterator[Tell]:
    """Shows rows, rows a second and the time left. `total` 0: how much there is cannot be known."""
    if not console.is_terminal:
        yield _Lines(console, doing, total, clock)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} a second"),
        TimeRemainingColumn(),
    )
    begun = clock()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(doing, total=total or None, rows=0, rate=0.0)
        yield lambda rows, done: bar.update(task, completed=done, rows=rows, rate=_rate(rows, clock() - begun))


@dataclass
class _Lines:
    console: Console
    doing: str
    total: int
    clock: Callable[[], float]
    begun: float = field(init=False)
    told: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.told = self.clock()

    def __call__(self, rows: int, done: int) -> None:
        now = self.clock()
        if now - self.told < EVERY:
            return
        self.told, taken = now, now - self.begun
        left = f", {_minutes(taken / done * (self.total - done))} left" if self.total and done else ""
        self.console.print(f"{self.doing}: {rows:,} rows, {_rate(rows, taken):,.0f} a second{left}", markup=False)


def _rate(rows: int, seconds: float) -> float:
    return rows / seconds if seconds > 0 else 0.0


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - 100 s reads better
