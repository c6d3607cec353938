"""A backup's folder: one compressed part a table, and the manifest that is written last.

A folder without its manifest is no backup, and a folder bears its name only once the manifest is in it.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Final

from geoalert.errors import Conflict, Invalid
from geoalert.store.carried import Form, Row
from geoalert.store.manifest import FILE, Manifest, Part
from geoalert.store.source import AT_ONCE, Count, Source

QUICKLY: Final = 1  # of gzip's levels: the sealed values, most of a backup, give nothing more for a higher one
Progress = Callable[[str, int, int], None]
"""Told of a table how many rows of how many are done."""


def _private(path: Path, flags: int = os.O_WRONLY) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def keep(path: Path) -> None:
    """Returns when the disk has the file, or the folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, for its owner alone, which takes the name `folder` when the block ends.

    Raises:
        Conflict: there is something of that name.
        Invalid: it would lie in no folder.
    """
    if folder.exists() or folder.is_symlink():
        raise Conflict(f"{folder} is there already; a backup never overwrites anything")
    if not folder.parent.is_dir():
        raise Invalid(f"there is no folder {folder.parent}")
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    draft.mkdir(mode=0o700)
    try:
        yield draft
        keep(draft)
        if folder.exists():
            raise Conflict(f"{folder} is there already; a backup never overwrites anything")
        draft.rename(folder)
        keep(folder.parent)
    finally:
        if draft.exists():
            for path in draft.iterdir():
                path.unlink()
            draft.rmdir()


async def write_part(folder: Path, number: int, source: Source, form: Form, progress: Progress) -> Part:
    """Files all rows of a table."""
    path = folder / f"{number:02d}-{form.table}.jsonl.gz"
    count, expected = Count(), await source.expected(form)
    with os.fdopen(_private(path), "wb") as raw, gzip.GzipFile("", "wb", QUICKLY, raw, mtime=0) as packed:
        async for rows in source.rows(form):
            packed.write(count.add(rows))
            progress(form.table, count.rows, expected)
    keep(path)
    return Part(
        form=form,
        rows=count.rows,
        content=count.tally.content,
        highest=await source.highest(form),
        file=path.name,
        sha256=sha256_of(path),
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last file, whole or not at all."""
    draft = folder / f"{FILE}.part"
    with os.fdopen(_private(draft), "w", encoding="utf-8") as file:
        file.write(manifest.text())
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / FILE)


def check_parts(folder: Path, manifest: Manifest) -> None:
    """Reads every part.

    Raises:
        Invalid: names the first that is missing or was altered.
    """
    for part in manifest.parts:
        path = folder / part.file
        if path.parent != folder or not path.is_file():
            raise Invalid(f"{path} is missing; this is no whole backup")
        if sha256_of(path) != part.sha256:
            raise Invalid(f"{path} was altered: it does not agree with the manifest's SHA-256")


@dataclass(frozen=True)
class FolderSource:
    """The rows of a backup whose parts were checked."""

    folder: Path
    manifest: Manifest

    @property
    def revision(self) -> str:
        return self.manifest.schema_revision

    @property
    def forms(self) -> tuple[Form, ...]:
        return tuple(part.form for part in self.manifest.parts)

    def _part(self, form: Form) -> Part:
        return next(part for part in self.manifest.parts if part.form == form)

    async def rows(self, form: Form) -> AsyncIterator[list[Row]]:
        with gzip.open(self.folder / self._part(form).file, "rb") as lines:
            while some := [json.loads(line) for line in islice(lines, AT_ONCE)]:
                yield some

    async def expected(self, form: Form) -> int:
        return self._part(form).rows

    async def highest(self, form: Form) -> int:
        return self._part(form).highest
