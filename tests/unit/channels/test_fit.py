from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoalert.dispatch.channels.fit import clusters, fitted, nfc, shorten
from geoalert.errors import Invalid

CLUSTERS = {
    "conjunct": ("क्षत्रिय", ["क्ष", "त्रि", "य"]),
    "eyelash reph": ("दर\u094d\u200dया", ["द", "र\u094d\u200dया"]),
    "reph": ("कार्य", ["का", "र्य"]),
    "rra": ("वाऱ्याचा", ["वा", "ऱ्या", "चा"]),
    "non-joiner breaks the conjunct, not the sign": ("क\u094d\u200cष", ["क\u094d\u200c", "ष"]),
    "family": ("👩\u200d👩\u200d👧x", ["👩\u200d👩\u200d👧", "x"]),
    "skin tone": ("👍🏽!", ["👍🏽", "!"]),
    "flags": ("🇮🇳🇮🇳", ["🇮🇳", "🇮🇳"]),
    "keycap": ("1\ufe0f\u20e3", ["1\ufe0f\u20e3"]),
    "line end": ("a\r\nb", ["a", "\r\n", "b"]),
    "accent": ("e\u0301a", ["e\u0301", "a"]),
}


@pytest.mark.parametrize(("text", "expected"), CLUSTERS.values(), ids=CLUSTERS.keys())
def test_clusters(text: str, expected: list[str]) -> None:
    assert clusters(text) == expected


SHORTENED = {
    "whole": ("one two", 7, "one two"),
    "back to a word": ("one two three", 9, "one two…"),
    "at a word's end": ("one two three", 7, "one two…"),
    "a word longer than the room": ("abcdefgh", 3, "abc…"),
    "a long syllable": ("क्षत्रिय", 2, "क्षत्रि…"),
    "a link first": ("https://a.in/bcd rest", 8, ""),
    "a link later": ("see https://a.in/bcd", 12, "see…"),
    "no comma before the dots": ("one, two", 4, "one…"),
    "nothing": ("one", 0, ""),
}


@pytest.mark.parametrize(("text", "size", "expected"), SHORTENED.values(), ids=SHORTENED.keys())
def test_shorten(text: str, size: int, expected: str) -> None:
    assert shorten(text, size, "…") == expected


SIGNS = st.text(alphabet="कषरऱय\u094d\u200d\u200c\u093c\u093f अa .🌊👩🏽🇮\n", max_size=120)


@given(SIGNS)
def test_clusters_are_the_text(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert not any(unicodedata.category(cluster[0]) in {"Mn", "Mc"} for cluster in clusters(text)[1:])


@given(SIGNS, st.integers(0, 130))
def test_what_is_shortened_begins_the_text_at_a_cluster(text: str, size: int) -> None:
    short = shorten(text, size, "…")
    if short != text:
        kept = clusters(short.removesuffix("…"))
        assert clusters(text)[: len(kept)] == kept
        assert len(kept) <= size


@given(SIGNS, st.integers(10, 80))
def test_fitted_fits_and_keeps_the_rest(description: str, limit: int) -> None:
    text = fitted(nfc(description), lambda part: f"H {part} I", lambda made: len(made) <= limit)
    assert len(text) <= limit
    assert text.startswith("H ")
    assert text.endswith(" I")


def test_fitted_uses_the_room_there_is() -> None:
    text = fitted("word " * 100, lambda part: f"H {part} I", lambda made: len(made) <= 60)
    assert len(text) > 52


def test_what_can_never_fit_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        fitted("x", lambda part: part + "y" * 20, lambda made: len(made) <= 10)
    assert refusal.value.pointer == "/instruction"


def test_nfc_composes_and_keeps_joiners() -> None:
    assert nfc("\u0930\u093c\u094d\u200dय \n") == "\u0931\u094d\u200dय"
    assert nfc("क\u094d\u200cष") == "क\u094d\u200cष"
