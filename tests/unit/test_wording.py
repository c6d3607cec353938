"""What is said to people: in every language of the city, whole, and in the one that was asked for."""

from __future__ import annotations

import string
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from geoalert.cli.explain import LABELS as LABELS_OF_THE_COMMAND
from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.operations.explain_words import CHANNEL, moved_words, outcome_words
from geoalert.subscribers.codes import CHANNELS, LANGUAGES
from geoalert.subscribers.person import LABELS
from geoalert.wording import DOMAIN, FOLDER, SPOKEN, preferred, wording

ROOT = Path(__file__).parents[2]
KEYWORDS = {"N_": None, "say": None, "counted": (1, 2)}
TRANSLATED = ("mr", "hi")


def said() -> set[str | tuple[str, ...]]:
    """What the sources say."""
    found: set[str | tuple[str, ...]] = set()
    for folder in ("geoalert", "api"):
        for _, _, sentence, _, _ in extract_from_dir(str(ROOT / folder), keywords=KEYWORDS):
            found.add(sentence)
    return found


def catalog(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as written:
        return read_po(written, locale=language)


def parts(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalog_holds_what_is_said_and_nothing_else(language: str) -> None:
    found = {message.id if isinstance(message.id, str) else tuple(message.id) for message in catalog(language)}
    assert found - {""} == said(), "make words"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_with_its_parts_and_whole_letters(language: str) -> None:
    for message in catalog(language):
        if not message.id:
            continue
        ids, words = [[each] if isinstance(each, str) else list(each or ()) for each in (message.id, message.string)]
        assert not message.fuzzy
        assert len(ids) == len(words)
        for one, other in zip(ids, words, strict=True):
            assert other, one
            assert parts(one) == parts(other), one
            assert unicodedata.is_normalized("NFC", other)
            assert len(one) - len(one.rstrip()) == len(other) - len(other.rstrip()), "the mark before a headline"
            letters = "".join(sign for sign in other if sign.isalpha() and sign.isascii())
            known = "".join(parts(other)) + "STOPdmY"
            assert set(letters) <= set(known), f"{other} is not in Devanagari"


def test_every_language_and_channel_is_spoken_of() -> None:
    assert set(SPOKEN) == set(LANGUAGES)
    assert set(CHANNEL) == set(CHANNELS)
    with pytest.raises(ValueError, match="en, mr, hi"):
        wording("fr")


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("", "en"),
        ("mr", "mr"),
        ("MR-in", "mr"),
        ("fr, hi;q=0.5, en;q=0.4", "hi"),
        ("en;q=0.4, hi;q=0.5", "hi"),
        ("hi;q=0, mr;q=0.1", "mr"),
        ("fr", "en"),
        ("*", "en"),
        ("en;q=0, *", "mr"),
        ("mr;q=2", "en"),
        (";;,,=;q", "en"),
        ("x" * 100_000, "en"),
        (",".join(["fr"] * 1_000 + ["mr"]), "en"),
    ],
)
def test_the_language_that_is_asked_for_first_is_spoken(accepts: str, language: str) -> None:
    assert preferred(accepts).language == language


def test_what_is_put_into_a_sentence_is_in_its_language() -> None:
    marathi, english = wording("mr"), wording("en")
    assert english.listed(["push", "sms"]) == "push and sms"
    assert english.listed(["push", "sms", "email"]) == "push, sms, and email"
    assert marathi.listed(["push", "sms", "email"]) == "पुश, एसएमएस आणि ईमेल"
    one, more = (moved_words(marathi, "push", Reason.NOT_CONFIRMED, timedelta(minutes=count)) for count in (1, 5))
    assert (one, more) == (
        "पुश नंतर वापरले: 1 मिनिटात पोहोचल्याचे कळले नाही",
        "पुश नंतर वापरले: 5 मिनिटांत पोहोचल्याचे कळले नाही",
    )
    assert outcome_words(wording("hi"), Outcome.HELD, Reason.QUIET_HOURS) == "रोककर रखा गया है: शांति का समय"


def test_a_sentence_that_no_catalog_has_is_said_in_english() -> None:
    assert wording("mr")("{count} of nothing", count=3) == "3 of nothing"
    assert wording("mr")("") == ""


def test_every_label_of_a_place_is_known_to_the_catalogs() -> None:
    assert LABELS_OF_THE_COMMAND == LABELS
