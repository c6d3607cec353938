"""A file that a command writes: it is there when it is whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from geoalert.errors import Invalid


@contextmanager
def whole_file(path: Path, pointer: str) -> Iterator[TextIO]:
    """What to write into. It takes the place of `path` when the block ends; if that fails, `path` is as it was.

    A link stays a link. What is no plain file (a pipe, a device) is written to as it stands and never replaced.

    Raises:
        Invalid: at `pointer`, before anything is written: a folder, or a file in none.
    """
    if path.is_dir():
        raise Invalid("this is a folder; name a file", pointer=pointer)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    place = path.resolve()
    if not place.parent.is_dir():
        raise Invalid("there is no such folder", pointer=pointer)
    # With the process's number: neither a file of the person's nor that of another run is in the way.
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    stream = part.open("x", encoding="utf-8", newline="")
    try:
        with stream:
            yield stream
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
