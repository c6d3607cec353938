"""Our own name for one recipient of one batch, as it travels to providers and back: `batch.position.tag`."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final

import numpy as np

from geoalert.errors import Forbidden
from geoalert.store import KeyRing

PARTS: Final = 3
LONGEST: Final = 80
BLOCK: Final = 16  # bytes: batch and position, and as many of a tag
WRITTEN: Final = 24  # letters of base64 for a tag and two bytes that say nothing
LETTERS: Final = 22  # of them that do
MOST: Final = 2**63  # an id is below it


def make_refs(keys: KeyRing, batch_id: int, positions: Sequence[int]) -> list[str]:
    """References nobody else can make, in the order of the positions."""
    names = np.empty((len(positions), 2), ">i8")
    names[:, 0], names[:, 1] = batch_id, positions
    tags = np.zeros((len(positions), WRITTEN * 3 // 4), np.uint8)
    tags[:, :BLOCK] = np.frombuffer(keys.tags(names.tobytes()), np.uint8).reshape(-1, BLOCK)
    written = base64.urlsafe_b64encode(tags.tobytes()).decode()
    return [
        f"{batch_id}.{position}.{written[start : start + LETTERS]}"
        for position, start in zip(positions, range(0, len(written), WRITTEN), strict=True)
    ]


def read_ref(keys: KeyRing, ref: str) -> tuple[int, int]:
    """Batch and position of a reference we made.

    Raises:
        Forbidden: we did not make it.
    """
    parts = ref.split(".")
    forged = Forbidden("this reference was not issued here", pointer="/ref")
    if (
        len(ref) > LONGEST
        or len(parts) != PARTS
        or not ref.isascii()
        or not (parts[0].isdecimal() and parts[1].isdecimal())
    ):
        raise forged
    batch_id, position = int(parts[0]), int(parts[1])
    if max(batch_id, position) >= MOST:
        raise forged
    (ours,) = make_refs(keys, batch_id, [position])
    if not hmac.compare_digest(ref, ours):
        raise forged
    return batch_id, position
