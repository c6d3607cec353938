"""One key for the many spellings of a Marathi place name, in Latin and in Devanagari.

The key is a Latin skeleton: no spaces, w as v, one letter for a doubled one, and no "a" but at the beginning, for that
is the vowel transliterations disagree on (Yerwada, Yerawda, येरवडा → "yervd"). Two names with one key are one name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

# Words written in several ways; each becomes the first of its row.
SAME_WORD: Final = (
    ("budruk", "bk", "budhruk", "budhuruk", "budrukh", "bu", "बुद्रुक", "बु", "बुद्रूक"),
    ("khurd", "kh", "khurda", "खुर्द", "खु"),
    ("rod", "road", "rd", "रोड", "रस्ता"),
    ("nagar", "ngr", "नगर"),
    ("peth", "pet", "पेठ", "पेठे"),
    ("kolni", "colony", "col", "कॉलनी", "कॉलोनी"),
    ("sosayti", "society", "soc", "सोसायटी", "सोसाइटी"),
    ("chauk", "chowk", "chouk", "square", "चौक"),
    ("gavthan", "gaothan", "gavthan", "gaonthan", "gaothaan", "गावठाण", "गावठान"),
    ("hospital", "rugnalay", "रुग्णालय", "हॉस्पिटल", "अस्पताल"),
    ("vidyapith", "university", "univ", "vidyapeeth", "vidyapith", "विद्यापीठ", "विश्वविद्यालय"),
    ("mahavidyalay", "college", "महाविद्यालय", "कॉलेज"),
    ("udyan", "garden", "udyan", "उद्यान", "गार्डन"),
    ("sthanak", "station", "stn", "stand", "स्थानक", "स्टेशन"),
    ("parnkuti", "parnakuti", "पर्णकुटी"),
    ("siti", "city", "सिटी"),
    ("depo", "depot", "डेपो", "डिपो"),
    ("doktr", "dr", "doctor", "डॉ", "डॉक्टर"),
    ("mahatma", "म", "महात्मा"),
    ("upr", "upper", "अप्पर", "अपर"),
    ("loar", "lower", "लोअर"),
)
WORD: Final[Mapping[str, str]] = {word: row[0] for row in SAME_WORD for word in row}

# Ends of names that say what kind of place it is. Two names of different kinds are never one misspelt.
KINDS: Final = tuple(
    sorted(
        "ngr peth vdi gv rod kolni budruk khurd chuk sosyti gvthn hospitl vidypith udyn sthnk siti depo park pthr vsti "  # noqa: SIM905
        "vst vsht".split(),
        key=len,
        reverse=True,
    )
)

CONSONANTS: Final = dict(
    zip(
        "क ख ग घ ङ च छ ज झ ञ ट ठ ड ढ ण त थ द ध न प फ ब भ म य र ऱ ल ळ व श ष स ह".split(),  # noqa: SIM905
        "k kh g gh n ch ch j jh n t th d dh n t th d dh n p f b bh m y r r l l v sh sh s h".split(),  # noqa: SIM905
        strict=True,
    )
)
VOWELS: Final = dict(
    zip(
        "अ आ इ ई उ ऊ ऋ ए ऐ ओ औ ऍ ऑ ॲ".split(),  # noqa: SIM905
        "a a i i u u ri e ai o au a o a".split(),  # noqa: SIM905
        strict=True,
    )
)
SIGNS: Final = dict(zip("ािीुूृेैोौॅॉ", "a i i u u ri e ai o au a o".split(), strict=True))  # noqa: SIM905
VIRAMA, NASALS, NUKTA = "्", "ंँ", "़"
LABIALS: Final = frozenset("पफबभम")

# Applied in this order to the Latin form, words joined.
LATIN: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"gaon|gaao|gao|gaav|gavan", "gav"),
        (r"ph", "f"),
        (r"w", "v"),
        (r"chh", "ch"),
        (r"ck", "k"),
        (r"c(?!h)|q", "k"),
        (r"x", "ks"),
        (r"z", "j"),
        (r"sh", "s"),
        (r"ee", "i"),
        (r"oo|ou", "u"),
        (r"oa", "o"),
        (r"iy", "i"),
        (r"dny|gny|jn", "gn"),
        (r"y(?![aeiou])", "i"),
        (r"(.)\1+(?!(?<=n)agar$|(?<=v)adi$)", r"\1"),  # "Chandan Nagar" is not "Chand Nagar"
        (r"(?<!^)a", ""),
    )
)
INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff"))


def key_of(name: str) -> str:
    """The key of a name; empty if it has neither letter nor digit."""
    joined = "".join(_latin(word) for word in words_of(name))
    for pattern, to in LATIN:
        joined = pattern.sub(to, joined)
    return joined


def words_of(name: str) -> list[str]:
    """The words of a name, lower case, without joiners, accents and dots ("S. P." is two, "B.K." one)."""
    plain = unicodedata.normalize("NFC", name).translate(INVISIBLE).casefold()
    plain = re.sub(r"(?<=\b\w)\.(?=\w\b)", "", plain).replace("'", "").replace("\u2019", "")
    marked = unicodedata.normalize("NFD", plain)
    latin = "".join(sign for sign in marked if unicodedata.category(sign) != "Mn" or _is_devanagari(sign))
    return [word for word in re.split(r"[^\w\u0900-\u097f]+|_", unicodedata.normalize("NFC", latin)) if word]


def in_devanagari(text: str) -> bool:
    """Whether any of it is in that script."""
    return any(map(_is_devanagari, text))


def split_kind(key: str) -> tuple[str, str]:
    """A key as what is its own and what kind of place it says it is; the second may be empty, the first never is."""
    for kind in KINDS:
        if key.endswith(kind) and len(key) > len(kind):
            return key[: -len(kind)], kind
    return key, ""


def _latin(word: str) -> str:
    if word in WORD:
        return WORD[word]
    return _transliterate(word) if in_devanagari(word) else word


def _transliterate(word: str) -> str:
    """Devanagari letter by letter, with the inherent vowel everywhere but at the end."""
    found: list[str] = []
    letters = word.replace(NUKTA, "")
    for sign, after in zip(letters, letters[1:] + " ", strict=True):
        if sign in CONSONANTS:
            found.append(CONSONANTS[sign])
            if after in CONSONANTS or after in VOWELS or after in NASALS:
                found.append("a")
        elif sign in NASALS:
            found.append("m" if after in LABIALS else "n")
        elif sign != VIRAMA:
            found.append(_other(sign))
    return "".join(found)


def _other(sign: str) -> str:
    if sign in VOWELS or sign in SIGNS:
        return VOWELS.get(sign) or SIGNS[sign]
    return str(unicodedata.digit(sign)) if sign.isdecimal() else sign if not _is_devanagari(sign) else ""


def _is_devanagari(sign: str) -> bool:
    return "\u0900" <= sign <= "\u097f"
