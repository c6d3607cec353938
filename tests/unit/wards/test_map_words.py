"""Devanagari on maps: shaped, not strung together, and never with a hole where a letter should be."""

from __future__ import annotations

import unicodedata
from typing import Final

import fontpkg
import pytest
from fontTools.ttLib import TTFont
from matplotlib.font_manager import get_font
from matplotlib.textpath import TextToPath

from geoalert.errors import Unavailable
from geoalert.languages import LANGUAGES, Language
from geoalert.wards import City
from geoalert.wards.map_words import HEAVY, REGULAR, typeface, words_in

WEIGHTS: Final = (REGULAR, HEAVY)
MISSING: Final = 0  # the number of .notdef in every font
DOTTED_CIRCLE: Final = 0x25CC  # what a shaper puts under a matra that has no letter to stand on


def glyphs(text: str, language: Language, weight: int = HEAVY) -> list[int]:
    """The numbers of the glyphs matplotlib sets the text in, in their order on the line."""
    font = get_font(str(typeface(weight, 10).get_file()))
    laid, _, _ = TextToPath().get_glyphs_with_font(font, text, language=language)
    return [int(str(name).rpartition("-")[2], 16) for name, *_ in laid]


def of_sign(sign: int, weight: int = HEAVY) -> int:
    """The number of the glyph that stands for a single sign."""
    font = TTFont(str(typeface(weight, 10).get_file()))
    return int(font.getGlyphID(font.getBestCmap()[sign]))


def shown(city: City) -> list[tuple[str, Language]]:
    """Every text a map of the city may show."""
    texts = [(name, language) for ward in city.tree.wards for language, name in ward.names.items()]
    for language in LANGUAGES:
        words = words_in(language)
        title = words.title.format(city.config.name[language])
        own = (title, words.told, words.area, words.people, words.unofficial, words.km)
        texts += [(text, language) for text in (*own, city.config.attribution, city.config.note)]
    return texts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("क्षेत्रीय", 5),  # nine signs: क्षे and त्री are a conjunct and a matra each
        ("श्री", 2),
        ("र्\u200dय", 2),  # the eyelash ra of Marathi, asked for by a joiner
        ("ऱ्य", 2),  # and as it is mostly written
        ("द्ध", 1),
        ("कर्वे", 3),  # ra and the matra above va are one glyph
        ("ज्ञा", 2),
    ],
)
def test_conjuncts_are_shaped(text: str, count: int) -> None:
    found = glyphs(text, "mr")
    assert len(found) == count < len(text)
    assert MISSING not in found


def test_the_eyelash_ra_is_one_sign_however_it_is_written() -> None:
    assert glyphs("र्\u200dय", "mr") == glyphs("ऱ्य", "mr")
    assert glyphs("र्य", "mr") != glyphs("ऱ्य", "mr")


def test_a_short_i_stands_before_its_letter() -> None:
    assert glyphs("वि", "mr")[1] == of_sign(ord("व"))


def test_marathi_and_hindi_draw_some_signs_differently() -> None:
    assert glyphs("ल५", "mr") != glyphs("ल५", "hi")
    assert glyphs("ग", "mr") == glyphs("ग", "hi")


@pytest.mark.parametrize("weight", WEIGHTS)
def test_no_text_of_a_map_has_a_hole(pune: City, weight: int) -> None:
    circle = of_sign(DOTTED_CIRCLE, weight)
    known = TTFont(str(typeface(weight, 10).get_file())).getBestCmap()
    for text, language in shown(pune):
        lacking = [unicodedata.name(sign) for sign in text if ord(sign) not in known]
        assert lacking == [], text
        assert not {MISSING, circle} & set(glyphs(text, language, weight)), text
    # The check sees one where there is one.
    assert circle in glyphs("ी", "mr", weight)


def test_without_the_type_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise fontpkg.FontpkgError("Mukta is not installed")

    monkeypatch.setattr(fontpkg, "path", gone)
    with pytest.raises(Unavailable, match="pip install fontpkg-mukta"):
        typeface.__wrapped__(REGULAR, 10)
