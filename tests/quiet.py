"""Quiet hours that go on whenever a test runs: of a day they leave out a minute, and that one was a while ago."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = 24 * 60  # minutes
_NOW: Final = datetime.now(ZoneInfo("Asia/Kolkata"))
_LEFT_OUT: Final = _NOW.hour * 60 + _NOW.minute - 30

ALL_DAY: Final = (
    (_LEFT_OUT + 1) % DAY,
    _LEFT_OUT % DAY,
)  # from (inclusive) and to (exclusive), minutes of the city's day
