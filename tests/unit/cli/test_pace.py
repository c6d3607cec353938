"""How far a long command is, on a terminal and in a file."""

from __future__ import annotations

import io

from rich.console import Console

from geoalert.cli.pace import EVERY, pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_file_gets_a_plain_line_now_and_then() -> None:
    out, clock = io.StringIO(), Clock()
    with pace(Console(file=out, width=80), "importing", 1_000, clock) as tell:
        tell(10, 1)
        clock.now += EVERY
        tell(20_000, 100)
        clock.now += EVERY / 2
        tell(30_000, 150)
        clock.now += EVERY / 2
        tell(40_000, 200)
    assert out.getvalue().splitlines() == [
        "importing: 20,000 rows, 2,000 a second, 90 s left",
        "importing: 40,000 rows, 2,000 a second, 80 s left",
    ]


def test_what_cannot_be_known_is_not_said() -> None:
    out, clock = io.StringIO(), Clock()
    with pace(Console(file=out, width=80), "importing", 0, clock) as tell:
        clock.now += EVERY
        tell(5_000, 0)
    assert out.getvalue() == "importing: 5,000 rows, 500 a second\n"


def test_a_terminal_gets_a_bar_with_rows_and_their_pace() -> None:
    out, clock = io.StringIO(), Clock()
    with pace(Console(file=out, width=120, force_terminal=True), "importing", 1_000, clock) as tell:
        clock.now += 2
        tell(3_000, 500)
    shown = out.getvalue()
    assert "50%" in shown
    assert "3,000 rows" in shown
    assert "1,500 a second" in shown
