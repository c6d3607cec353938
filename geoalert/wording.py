"""Sentences for people in the languages of the city, through gettext.

A sentence stands in English where it is said, marked by `N_` or said at once by a `Wording`; `make words` brings the
catalogs in `locale/` up to date. They are read as they are written: nothing compiled is shipped. What a catalog lacks
is said in English.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

from babel import Locale, negotiate_locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from geoalert.languages import LANGUAGES, Language

DOMAIN: Final = "geoalert"
FOLDER: Final = Path(__file__).parent / "locale"
SOURCE: Final = "en"
SPOKEN: Final = LANGUAGES
MOST: Final = 20  # ranges of a header that are looked at
_RANGE: Final = re.compile(r"([a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?")


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """Marks a sentence that is said elsewhere."""
    return sentence


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """One language."""

    language: Language
    _catalog: NullTranslations

    def __call__(self, sentence: str, **parts: object) -> str:
        """The sentence in this language, with its parts put in. It is never what somebody wrote: that is a part."""
        return self._catalog.gettext(sentence).format(**parts) if sentence else ""  # "" is a catalog's own header

    def counted(self, one: str, many: str, count: int, **parts: object) -> str:
        """The one of both that fits so many, which is `count` in it."""
        return self._catalog.ngettext(one, many, count).format(count=count, **parts)

    def listed(self, names: Sequence[str]) -> str:
        """All of these, as the language lists them (CLDR): "push, sms, and email"."""
        return format_list([self(name) for name in names], locale=Locale(self.language))


@cache
def wording(language: str) -> Wording:
    """How this language says it.

    Raises:
        ValueError: it is none of `SPOKEN`.
    """
    spoken = next((one for one in SPOKEN if one == language), None)
    if spoken is None:
        raise ValueError(f"sentences are in {', '.join(SPOKEN)}")
    if spoken == SOURCE:
        return Wording(spoken, NullTranslations())
    compiled = io.BytesIO()
    with (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as written:
        write_mo(compiled, read_po(written, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return Wording(spoken, GNUTranslations(compiled))


def preferred(accepts: str) -> Wording:
    """What an `Accept-Language` header asks for first of what is spoken (RFC 9110, 12.5.4); English where it asks for
    nothing of it, or cannot be read.
    """
    ranges = [_RANGE.fullmatch(part.strip()) for part in accepts.lower().split(",")[:MOST]]
    asked = [(float(one[2] or 1), one[1]) for one in ranges if one is not None]
    asked.sort(key=lambda each: -each[0])  # stable: of two alike the first
    named = {tag for _, tag in asked}
    other = next((language for language in SPOKEN if language not in named), SOURCE)
    wanted = [other if tag == "*" else tag for weight, tag in asked if weight > 0]
    return wording(negotiate_locale(wanted, SPOKEN, sep="-") or SOURCE)
