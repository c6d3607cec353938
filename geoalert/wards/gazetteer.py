"""A pasted list of localities, resolved to units and points. What is not clear comes back as a question.

How sure is sure: two names with one key (`place_fold`) are one name and score 100. Otherwise

| | |
|---|---|
| ACCEPT | the least similarity (rapidfuzz, 0-100) at which a misspelt name is taken for a known one |
| EDITS | and the most letters that may differ, by the length of what is the name's own ("Kalyani" of "Kalyani Nagar") |
| MARGIN | a second name within it that stands for other ground makes the answer a question |
| CANDIDATE | the least similarity at which a known name is offered with a question |

and the first letter, the digits and the kind of place (Nagar, Peth, Wadi, Road, Khurd, …) must be the same: places
differ by these far more often than spellings do. A name of a unit stands for the whole unit, also where the locality
reaches past the unit's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from geoalert.errors import Invalid
from geoalert.wards.index import WardIndex
from geoalert.wards.known_places import Ground, Known, known_places
from geoalert.wards.place_fold import in_devanagari, key_of, split_kind
from geoalert.wards.place_table import PlaceRow
from geoalert.wards.place_text import Piece, split_places

EXACT: Final = 100
ACCEPT: Final = 88
CANDIDATE: Final = 70
MARGIN: Final = 5
EDITS: Final = ((9, 2), (5, 1), (0, 0))  # from that many letters on
CANDIDATES: Final = 5
CONTAINED: Final = 4  # letters a name needs before names that contain it are offered
LONGEST_TEXT: Final = 20_000
MOST_NAMES: Final = 500

Reason = Literal["unknown", "ambiguous", "outside"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known name and how near it is (0-100)."""

    text: str
    ground: Ground
    score: int


@dataclass(frozen=True, slots=True)
class Match:
    """`name` is as it was written."""

    name: str
    found: Candidate


@dataclass(frozen=True, slots=True)
class Question:
    """A name that needs a person. `outside` names are known, and not in the city on that day."""

    name: str
    reason: Reason
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Every name of the text is in exactly one of the two, in the order of the text."""

    matched: tuple[Match, ...]
    questions: tuple[Question, ...]


class Gazetteer:
    """The names of a city on a day."""

    def __init__(self, index: WardIndex, rows: Iterable[PlaceRow], on: date) -> None:
        self.names = known_places(index, rows, on)
        self._keys = [name.key for name in self.names]
        self._by_key: dict[str, list[Known]] = {}
        for name in self.names:
            self._by_key.setdefault(name.key, []).append(name)

    def resolve(self, text: str) -> Resolution:
        """Every name in the text, matched or asked back.

        Raises:
            Invalid: the text is longer than a press note is, or holds no name.
        """
        if len(text) > LONGEST_TEXT:
            raise Invalid(f"at most {LONGEST_TEXT} characters", pointer="/text")
        pieces = split_places(text)
        if not pieces:
            raise Invalid("there is no name in this text", pointer="/text")
        if len(pieces) > MOST_NAMES:
            raise Invalid(f"at most {MOST_NAMES} names; this text has {len(pieces)}", pointer="/text")
        answers = [answer for piece in pieces for answer in self._answers(piece)]
        if len(answers) > MOST_NAMES:  # by hyphens
            raise Invalid(f"at most {MOST_NAMES} names; this text has {len(answers)}", pointer="/text")
        return Resolution(
            tuple(answer for answer in answers if isinstance(answer, Match)),
            tuple(answer for answer in answers if isinstance(answer, Question)),
        )

    def _answers(self, piece: Piece) -> list[Match | Question]:
        whole = self._answer(piece)
        if isinstance(whole, Question) and whole.reason == "unknown" and not piece.qualifier:
            # "Nana Peth-Rasta Peth": two names, if both are known by themselves.
            parts = [self._answer(Piece(part.strip(), part.strip())) for part in piece.name.split("-")]
            if len(parts) > 1 and all(isinstance(part, Match) for part in parts):
                return list(parts)
        return [whole]

    def _answer(self, piece: Piece) -> Match | Question:
        if piece.qualifier:
            return self._qualified(piece)
        return self._decide(piece.written, key_of(piece.name))

    def _qualified(self, piece: Piece) -> Match | Question:
        """As "Anand Nagar (Sinhagad Road)": known as such, or without it where the two do not disagree."""
        exact = self._decide(piece.written, key_of(f"{piece.name} {piece.qualifier}"), fuzzy=False)
        if isinstance(exact, Match):
            return exact
        plain = self._decide(piece.written, key_of(piece.name))
        around = self._decide(piece.written, key_of(piece.qualifier))
        if isinstance(plain, Match) and isinstance(around, Match) and _same_office(plain.found, around.found):
            return plain
        offered = (plain.found,) if isinstance(plain, Match) else plain.candidates
        return Question(piece.written, "ambiguous" if offered else "unknown", offered)

    def _decide(self, written: str, key: str, *, fuzzy: bool = True) -> Match | Question:
        known = sorted(self._by_key.get(key, ()), key=lambda name: in_devanagari(name.text) != in_devanagari(written))
        found = [Candidate(name.text, name.ground, EXACT) for name in known]
        unclear = any(name.ask for name in known)
        if not found and fuzzy:
            found, unclear = self._misspelt(key)
        if not found:
            return Question(written, "unknown", self._offered(written, key))
        best = max(found, key=lambda candidate: (candidate.score, candidate.ground.at is not None))
        rivals = [candidate for candidate in found if candidate.score >= best.score - MARGIN]
        if unclear or len({candidate.ground.where for candidate in rivals}) > 1:
            return Question(written, "ambiguous", _distinct(written, [*rivals, *self._offered(written, key)]))
        if best.ground.office is None:
            return Question(written, "outside", ())
        return Match(written, best)

    def _misspelt(self, key: str) -> tuple[list[Candidate], bool]:
        """Known names that differ from the key by a slip of the pen, and whether one of them must be asked."""
        stem, kind = split_kind(key)
        near = [
            (self.names[place], round(score))
            for _, score, place in process.extract(
                key, self._keys, scorer=fuzz.ratio, score_cutoff=ACCEPT - MARGIN, limit=None
            )
        ]
        taken = [(name, score) for name, score in near if _slip(stem, kind, name)]
        if not any(score >= ACCEPT for _, score in taken):
            return [], False
        return [Candidate(name.text, name.ground, score) for name, score in taken], any(n.ask for n, _ in taken)

    def _offered(self, written: str, key: str) -> tuple[Candidate, ...]:
        """What a person may have meant, best first: similar names, and names this one is part of."""
        near = process.extract(key, self._keys, scorer=fuzz.ratio, score_cutoff=CANDIDATE, limit=4 * CANDIDATES)
        found = [Candidate(self.names[place].text, self.names[place].ground, round(score)) for _, score, place in near]
        if len(key) >= CONTAINED:
            found += [
                Candidate(name.text, name.ground, CANDIDATE)
                for name in self.names
                if key in name.key or (len(name.key) >= CONTAINED and key.startswith(name.key))
            ]
        return _distinct(written, found)


def to_json(resolution: Resolution) -> dict[str, Any]:
    """The resolution as JSON; coordinates in degrees, null where only the unit is known."""
    return {
        "matched": [{"name": match.name, **_facts(match.found)} for match in resolution.matched],
        "questions": [
            {
                "name": question.name,
                "reason": question.reason,
                "candidates": [_facts(candidate) for candidate in question.candidates],
            }
            for question in resolution.questions
        ],
    }


def _facts(candidate: Candidate) -> dict[str, Any]:
    lon, lat = candidate.ground.at or (None, None)
    return {
        "as": candidate.text,
        "unit_code": candidate.ground.unit,
        "office_code": candidate.ground.office,
        "lat": lat,
        "lon": lon,
        "score": candidate.score,
    }


def _slip(stem: str, kind: str, name: Known) -> bool:
    """Whether the two can be one name misspelt; see the table at the head of this file."""
    if kind != name.kind or stem[0] != name.stem[0] or _digits(stem) != _digits(name.stem):
        return False
    length = min(len(stem), len(name.stem))
    most = next(edits for least, edits in EDITS if length >= least)
    return bool(OSA.distance(stem, name.stem) <= most)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdecimal())


def _same_office(one: Candidate, other: Candidate) -> bool:
    return one.ground.office is not None and one.ground.office == other.ground.office


def _distinct(written: str, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The best candidate for each ground in the city, best first; of equals, one in the script of the question."""
    script = in_devanagari(written)
    found: dict[tuple[str | None, str | None], Candidate] = {}
    for candidate in sorted(candidates, key=lambda one: (-one.score, in_devanagari(one.text) != script)):
        if candidate.ground.office is not None:
            found.setdefault(candidate.ground.where, candidate)
    return tuple(found.values())[:CANDIDATES]
