"""One way to hash a document: SHA-256 over its RFC 8785 (JCS) form."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import rfc8785


def canonical(document: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The one byte form of a JSON value (RFC 8785)."""
    return rfc8785.dumps(document)


def digest(document: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 of the canonical form, in hex."""
    return sha256(canonical(document)).hexdigest()
