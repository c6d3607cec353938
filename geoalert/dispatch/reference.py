"""Our own name for one recipient of one batch, as it travels to providers and back: `batch.position.mac`."""

from __future__ import annotations

import hmac

from geoalert.errors import Forbidden
from geoalert.store import KeyRing

PARTS = 3
LONGEST = 80


def make_ref(keys: KeyRing, batch_id: int, position: int) -> str:
    """A reference nobody else can make."""
    name = f"{batch_id}.{position}"
    return f"{name}.{keys.sign(name)}"


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
    batch_id, position, mac = parts
    if not hmac.compare_digest(mac.encode(), keys.sign(f"{batch_id}.{position}").encode()):
        raise forged
    return int(batch_id), int(position)
