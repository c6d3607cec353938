"""One alert in several languages: kept whole, and saying the same in each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from geoalert.errors import Invalid
from geoalert.subscribers.codes import LANGUAGES
from geoalert.wording import N_, wording

HEADLINE = 160  # characters, the CAP publishers' advice
BODY = 2_000
FALLBACK = ("mr", "hi", "en")  # which text a person gets when theirs is missing
DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
PARTS = ("headline", "description", "instruction")
REMINDER: Final = N_("Reminder: ")  # before the headline


@dataclass(frozen=True, slots=True)
class Text:
    headline: str
    description: str
    instruction: str


def clean(value: str) -> str:
    """NFC with single line ends and no outer blanks; joiners (U+200C, U+200D) and every letter stay."""
    return unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()


def numbers(text: Text) -> frozenset[str]:
    """The numbers a reader sees, in ASCII digits: times, dates, helplines."""
    whole = f"{text.headline} {text.description} {text.instruction}"
    return frozenset(
        "".join(str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in found)
        for found in DIGITS.findall(whole)
    )


def read_texts(raw: Mapping[str, Mapping[str, str]], *, all_languages: bool) -> dict[str, Text]:
    """Checked texts by language.

    Raises:
        Invalid: no text, an unknown or missing language, an empty part, the same words under two languages, or
            numbers that differ between languages. Points at the part.
    """
    if not raw:
        raise Invalid("give the text in at least one language", pointer="/texts")
    texts = {language: _read(language, parts) for language, parts in raw.items()}
    missing = [language for language in LANGUAGES if language not in texts]
    if all_languages and missing:
        raise Invalid(f"the text is missing in: {', '.join(missing)}", pointer=f"/texts/{missing[0]}")
    ordered = {language: texts[language] for language in LANGUAGES if language in texts}
    first, *others = ordered
    for language in others:
        if ordered[language] == ordered[first]:
            raise Invalid(f"{language} and {first} hold the same words", pointer=f"/texts/{language}")
        odd = numbers(ordered[language]) ^ numbers(ordered[first])
        if odd:
            raise Invalid(
                f"{language} and {first} do not hold the same numbers: {', '.join(sorted(odd))}",
                pointer=f"/texts/{language}",
            )
    return ordered


def _read(language: str, parts: Mapping[str, str]) -> Text:
    if language not in LANGUAGES:
        raise Invalid(f"languages are {', '.join(LANGUAGES)}", pointer=f"/texts/{language[:10]}")
    values = {}
    for part in PARTS:
        value = clean(parts.get(part, ""))
        if not value:
            raise Invalid(f"{part} is empty", pointer=f"/texts/{language}/{part}")
        limit = HEADLINE if part == "headline" else BODY
        if len(value) > limit:
            raise Invalid(f"{part} has {len(value)} characters; at most {limit}", pointer=f"/texts/{language}/{part}")
        if CONTROLS.search(value):
            raise Invalid(f"{part} holds control characters", pointer=f"/texts/{language}/{part}")
        values[part] = value
    return Text(**values)


def reminding(texts: Mapping[str, Text]) -> dict[str, Text]:
    """The same texts, each headline marked as a reminder in its language.

    Raises:
        Invalid: with its mark a headline is too long. It is for the author to shorten: what is cut off by rule may be
            the hour. Points at it.
    """
    marks = {language: wording(language)(REMINDER) for language in texts}
    marked = {language: replace(text, headline=marks[language] + text.headline) for language, text in texts.items()}
    for language, text in marked.items():
        if len(text.headline) > HEADLINE:
            has, room = len(texts[language].headline), HEADLINE - len(marks[language])
            raise Invalid(
                f"headline has {has} characters; at most {room} where a reminder puts its mark before it",
                pointer=f"/texts/{language}/headline",
            )
    return marked


def language_for(wanted: str, available: Mapping[str, Text]) -> str:
    """The person's language if the message has it, else the first of Marathi, Hindi, English that it has."""
    if wanted in available:
        return wanted
    return next(language for language in FALLBACK if language in available)
