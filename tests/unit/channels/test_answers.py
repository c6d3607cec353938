from __future__ import annotations

from datetime import UTC, datetime

import pytest

from geoalert.dispatch.channels import Verdict
from geoalert.dispatch.channels.answers import BY_STATUS, by_status, wait

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)

WAITS = {
    "missing": (None, None),
    "seconds": ("12", 12.0),
    "spaces": (" 12 ", 12.0),
    "zero": ("0", 0.0),
    "a part of a second": ("1.5", 1.5),
    "too long": ("301", 300.0),
    "absurd": ("9" * 9, 300.0),
    "longer than a number": ("9" * 400, None),
    "negative": ("-1", None),
    "not a number": ("nan", None),
    "infinite": ("inf", None),
    "Devanagari": ("१२", None),
    "garbage": ("soon", None),
    "empty": ("", None),
    "date": ("Fri, 20 Nov 2026 06:31:00 GMT", 60.0),
    "date elsewhere": ("Fri, 20 Nov 2026 12:01:00 +0530", 60.0),
    "date without zone": ("Fri, 20 Nov 2026 06:31:00", 60.0),
    "old style date": ("Friday, 20-Nov-26 06:31:00 GMT", 60.0),
    "past": ("Thu, 19 Nov 2026 06:31:00 GMT", 0.0),
    "2037": ("Sun, 01 Feb 2037 00:00:00 GMT", 300.0),
    "no such date": ("Fri, 32 Nov 2026 06:31:00 GMT", None),
    "no such year": ("Fri, 20 Nov 99999 06:31:00 GMT", None),
}


@pytest.mark.parametrize(("header", "seconds"), WAITS.values(), ids=WAITS.keys())
def test_wait(header: str | None, seconds: float | None) -> None:
    assert wait(header, NOW) == seconds


def test_every_status_has_a_verdict_and_none_is_a_success() -> None:
    for status in range(100, 600):
        result = by_status(status, 5.0)
        assert result.verdict is not Verdict.ACCEPTED
        assert (result.retry_after == 5.0) == (result.verdict is Verdict.RETRY)
        if 400 <= status < 500 and status not in {408, 425, 429}:
            assert result.verdict in {Verdict.REFUSED, Verdict.MISCONFIGURED}
        if status >= 500 and status not in BY_STATUS:
            assert result.verdict is Verdict.UNCERTAIN
