"""Indian mobile numbers as most people write them, read by the numbering plan's own patterns: a twentieth of the time
that the general reader takes, which a file of a million rows waits for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from phonenumbers import PhoneMetadata, PhoneNumberDesc

WRITTEN: Final = re.compile(r"(?:\+91|0)?([6-9]\d{9})", re.ASCII)


def plain_mobile(value: str) -> str | None:
    """The number in E.164, as phonenumbers has it; None for whatever must be looked at more closely, good or bad."""
    written = WRITTEN.fullmatch(value)
    if written is None:
        return None
    possible, mobile = _plan()
    return f"+91{written[1]}" if possible.fullmatch(written[1]) and mobile.fullmatch(written[1]) else None


@lru_cache(maxsize=1)
def _plan() -> tuple[re.Pattern[str], re.Pattern[str]]:
    plan = PhoneMetadata.metadata_for_region("IN")
    return _pattern(plan.general_desc if plan else None), _pattern(plan.mobile if plan else None)


def _pattern(desc: PhoneNumberDesc | None) -> re.Pattern[str]:
    # Without a plan nothing matches, and every number is read the general way.
    return re.compile((desc.national_number_pattern if desc else None) or r"(?!)")
