"""What a provider's HTTP answer means where its own error code says nothing, and how long it asks us to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

from geoalert.dispatch.channels.channel import SendResult, Verdict
from geoalert.dispatch.reasons import Reason

LONGEST_WAIT = 300.0

# Exact status first, then its class. A 5xx may come after the message was taken, so it is uncertain; 503 is
# sent instead of taking it.
BY_STATUS: Mapping[int, tuple[Verdict, Reason]] = MappingProxyType(
    {
        401: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),
        403: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),
        404: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # wrong account, project or address of the provider
        407: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),
        408: (Verdict.RETRY, Reason.TIMEOUT),
        425: (Verdict.RETRY, Reason.PROVIDER_ERROR),
        429: (Verdict.RETRY, Reason.RATE_LIMITED),
        503: (Verdict.RETRY, Reason.PROVIDER_ERROR),
    }
)
BY_CLASS: Mapping[int, tuple[Verdict, Reason]] = MappingProxyType(
    {
        2: (Verdict.UNCERTAIN, Reason.NONSENSE),  # reached only when the body could not be read
        3: (Verdict.UNCERTAIN, Reason.NONSENSE),  # redirects are never followed
        4: (Verdict.REFUSED, Reason.PAYLOAD),
        5: (Verdict.UNCERTAIN, Reason.PROVIDER_ERROR),
    }
)

NONSENSE = SendResult(Verdict.UNCERTAIN, Reason.NONSENSE)

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


def by_status(status: int, retry_after: float | None) -> SendResult:
    """The verdict of a status alone. Only a retry carries `retry_after`."""
    verdict, reason = BY_STATUS.get(status) or BY_CLASS.get(status // 100, (NONSENSE.verdict, NONSENSE.reason))
    return SendResult(verdict, reason, retry_after=retry_after if verdict is Verdict.RETRY else None)


def wait(header: str | None, now: datetime) -> float | None:
    """Seconds asked for by `Retry-After`: a number or an HTTP date, at most 300; None where it says nothing usable.

    A moment already past is 0; a negative number is no answer.
    """
    if header is None:
        return None
    header = header.strip()
    if _SECONDS.fullmatch(header):
        return min(float(header), LONGEST_WAIT)
    try:
        return until(parsedate_to_datetime(header), now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def until(moment: datetime, now: datetime) -> float:
    """Seconds from `now` to `moment`, between 0 and 300."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)
