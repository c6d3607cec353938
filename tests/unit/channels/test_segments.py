from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoalert.dispatch.channels.segments import ROOM, Alphabet, segments

CASES = {
    "nothing": ("", Alphabet.GSM7, 0, 1),
    "160 of GSM-7": ("a" * 160, Alphabet.GSM7, 160, 1),
    "161 of GSM-7": ("a" * 161, Alphabet.GSM7, 161, 2),
    "306 of GSM-7": ("a" * 306, Alphabet.GSM7, 306, 2),
    "307 of GSM-7": ("a" * 307, Alphabet.GSM7, 307, 3),
    "80 euro signs": ("€" * 80, Alphabet.GSM7, 160, 1),
    "an extension does not straddle": ("a" * 152 + "€" + "a" * 152, Alphabet.GSM7, 306, 3),
    "an extension at the edge": ("a" * 151 + "€" + "a" * 153, Alphabet.GSM7, 306, 2),
    "70 of UCS-2": ("क" * 70, Alphabet.UCS2, 70, 1),
    "71 of UCS-2": ("क" * 71, Alphabet.UCS2, 71, 2),
    "134 of UCS-2": ("क" * 134, Alphabet.UCS2, 134, 2),
    "135 of UCS-2": ("क" * 135, Alphabet.UCS2, 135, 3),
    "35 emoji": ("🌊" * 35, Alphabet.UCS2, 70, 1),
    "36 emoji": ("🌊" * 36, Alphabet.UCS2, 72, 2),
    "a surrogate pair is not split": ("क" * 66 + "🌊" + "क" * 66, Alphabet.UCS2, 134, 3),
    "a rupee sign": ("₹" + "a" * 70, Alphabet.UCS2, 71, 2),
    "a curly apostrophe": ("don\u2019t " + "a" * 65, Alphabet.UCS2, 71, 2),
    "a no-break space": ("a\u00a0" + "a" * 69, Alphabet.UCS2, 71, 2),
    "joiners count": ("र\u094d\u200d" * 24, Alphabet.UCS2, 72, 2),
    "CR LF": ("a\r\n" * 53, Alphabet.GSM7, 159, 1),
    "all of the extension table": ("\f^{}\\[~]|€", Alphabet.GSM7, 20, 1),
}


@pytest.mark.parametrize(("text", "alphabet", "units", "parts"), CASES.values(), ids=CASES.keys())
def test_case(text: str, alphabet: Alphabet, units: int, parts: int) -> None:
    counted = segments(text)
    assert (counted.alphabet, counted.units, counted.parts) == (alphabet, units, parts)


@given(st.text(alphabet="aé€क\u200d🌊₹[\n", max_size=400))
def test_more_text_never_takes_fewer_parts(text: str) -> None:
    room = ROOM[segments(text).alphabet]
    counted = segments(text)
    assert counted.parts >= max(1, -(-counted.units // room.alone) if counted.units <= room.alone else 2)
    assert segments(text + "a").parts >= counted.parts
