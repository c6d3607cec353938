"""What the words of a ward may be: its code goes into addresses, files and commands, its names into messages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from geoalert.errors import Invalid

EPOCH_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,19}")
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# As long as the store holds them, on either kind.
LONGEST: Final = {"code": 60, "kind": 30, "name_en": 120, "name_mr": 120, "name_hi": 120}
# Control, format and unassigned characters, and line ends. The joiners shape Devanagari and are part of a name.
UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
JOINERS: Final = "\u200c\u200d"


def require_words(words: Mapping[str, str], where: str) -> None:
    """Lets pass a code, a kind and names that every store, page and message can hold.

    Raises:
        Invalid: names `where`, the field and the reason.
    """
    for field, longest in LONGEST.items():
        if not words[field]:
            raise Invalid(f"{where}: {field} is empty", pointer=f"/{field}")
        if len(words[field]) > longest:
            raise Invalid(f"{where}: {field} has more than {longest} characters", pointer=f"/{field}")
        require_seen(words[field], where, field)
    if not CODE.fullmatch(words["code"]):
        raise Invalid(
            f"{where}: the code {words['code']!r} may hold letters, digits, dots and dashes only", pointer="/code"
        )


def require_seen(text: str, where: str, field: str) -> None:
    """Raises Invalid for a text that steers a screen or hides a part of itself."""
    if any(unicodedata.category(sign) in UNSEEN and sign not in JOINERS for sign in text):
        raise Invalid(f"{where}: {field} holds a character that cannot be shown", pointer=f"/{field}")
