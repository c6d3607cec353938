"""What a backup says of itself: written last, under a hash of its own, believed by nobody who has not checked it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from geoalert.errors import Invalid
from geoalert.store.carried import Form
from geoalert.store.hashing import digest

FILE: Final = "manifest.json"
FORMAT: Final = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Part):
    """One table's rows in one file."""

    form: Form
    rows: int
    content: str  # SHA-256 of the lines before they were compressed
    highest: int  # number that the table ever gave
    file: str
    sha256: str


class KeysNeeded(_Part):
    """By the marks of `KeyRing.marks`, which tell a key and do not tell what it is. A key that was missing when the
    backup was made has an empty mark: what it sealed could not be read then, either.
    """

    encryption: dict[int, str]
    sealed: dict[int, int]  # values by key
    blind: str
    hook: str


class Manifest(_Part):
    """`taken` is by the clock of the database that was read."""

    format: int
    version: str
    schema_revision: str
    store: str
    taken: datetime
    keys: KeysNeeded
    key_file: str  # beside the parts, where it was asked for; else empty
    parts: tuple[Part, ...]
    begins_anew: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def text(self) -> str:
        document = self.model_dump(mode="json")
        return json.dumps(document | {"sha256": digest(document)}, ensure_ascii=False, indent=1) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        Invalid: there is none, it was altered, or it is of another program.
    """
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        said = document.pop("sha256")
    except (FileNotFoundError, NotADirectoryError):
        raise Invalid(f"{folder} is no whole backup: it has no {FILE}") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Invalid(f"{folder / FILE} is not the manifest of a backup") from None
    if digest(document) != said:
        raise Invalid(f"{folder / FILE} was altered: it does not agree with its own SHA-256")
    if document.get("format") != FORMAT:
        raise Invalid(f"{folder} is of another form than this program reads ({document.get('format')})")
    try:
        return Manifest.model_validate(document)
    except ValidationError:
        raise Invalid(f"{folder / FILE} is not the manifest of a backup") from None
