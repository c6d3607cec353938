"""The languages of the city, by their BCP 47 tags."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

Language: TypeAlias = Literal["en", "mr", "hi"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
