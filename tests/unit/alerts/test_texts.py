"""One alert in three languages: whole, and the same in each."""

from __future__ import annotations

import copy
import unicodedata
from dataclasses import asdict
from typing import Any

import pytest

from geoalert.alerts.texts import HEADLINE, REMINDER, clean, language_for, read_texts, reminding
from geoalert.errors import Invalid
from geoalert.operations.demo_story import ALL_CLEAR, FLOOD, WATER
from geoalert.wording import wording

# Eyelash reph with a joiner, ऱ, a non-joiner, a conjunct: letters that three leading systems damage.
HARD = "दर\u094d\u200dया, ऱ\u094d\u200dहस्व, क\u094d\u200cष, ज्ञ, श्र"


@pytest.mark.parametrize("texts", [WATER, FLOOD, ALL_CLEAR])
@pytest.mark.requirement("S000-02")
def test_our_own_texts_pass(texts: dict[str, dict[str, str]]) -> None:
    assert list(read_texts(texts, all_languages=True)) == ["mr", "hi", "en"]


def changed(path: tuple[str, ...], value: str) -> dict[str, Any]:
    texts: dict[str, Any] = copy.deepcopy(dict(WATER))
    target = texts
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return texts


REFUSED = [
    ({}, "/texts", "at least one language"),
    ({"mr": WATER["mr"]}, "/texts/hi", "missing"),
    (changed(("hi", "instruction"), "  "), "/texts/hi/instruction", "empty"),
    (changed(("en", "headline"), "Water supply off today, 12:00 to 21:00"), "/texts/en", "same numbers: 20:00, 21:00"),
    ({**WATER, "hi": WATER["mr"]}, "/texts/hi", "same words"),
    ({**WATER, "fr": WATER["en"]}, "/texts/fr", "languages are"),
    (changed(("mr", "headline"), "अ" * 161), "/texts/mr/headline", "161 characters"),
    (changed(("mr", "headline"), "a\x07b १२:०० २०:००"), "/texts/mr/headline", "control"),
]


@pytest.mark.parametrize(("texts", "pointer", "reason"), REFUSED)
@pytest.mark.requirement("S000-23", "S000-24")
def test_what_is_refused_and_where(texts: dict[str, Any], pointer: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refusal:
        read_texts(texts, all_languages=True)
    assert refusal.value.pointer == pointer


def test_devanagari_stays_whole() -> None:
    assert clean(HARD) == unicodedata.normalize("NFC", HARD)
    assert "\u200d" in clean(HARD)
    assert "\u200c" in clean(HARD)
    assert clean(unicodedata.normalize("NFD", HARD)) == clean(HARD)


def test_a_missing_language_falls_back_in_order() -> None:
    texts = read_texts({"hi": FLOOD["hi"], "en": FLOOD["en"]}, all_languages=False)
    assert [language_for(wanted, texts) for wanted in ("mr", "hi", "en")] == ["hi", "hi", "en"]


@pytest.mark.parametrize("language", ["mr", "hi", "en"])
def test_a_reminder_is_marked_before_its_headline_and_nowhere_else(language: str) -> None:
    mark, texts = wording(language)(REMINDER), read_texts(WATER, all_languages=True)
    assert clean(mark) + " " == mark
    marked = reminding(texts)[language]
    assert marked.headline == mark + texts[language].headline
    assert (marked.description, marked.instruction) == (texts[language].description, texts[language].instruction)
    assert read_texts({key: asdict(text) for key, text in reminding(texts).items()}, all_languages=True)


@pytest.mark.parametrize("language", ["mr", "hi", "en"])
def test_a_headline_leaves_room_for_the_mark_of_its_reminder(language: str) -> None:
    room = HEADLINE - len(wording(language)(REMINDER))
    full = WATER[language]["headline"].ljust(room, ".")
    texts = read_texts(changed((language, "headline"), full), all_languages=True)
    assert len(reminding(texts)[language].headline) == HEADLINE
    texts = read_texts(changed((language, "headline"), full + "."), all_languages=True)
    with pytest.raises(Invalid, match=f"at most {room}") as refused:
        reminding(texts)
    assert refused.value.pointer == f"/texts/{language}/headline"
