"""The list of all loops, each with its signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

Loop = TypeVar("Loop", bound=Callable[..., int])
KINDS: Final = ("uint16", "uint32")
SIGNATURES: Final[dict[str, tuple[Callable[..., int], str]]] = {}


def loop(signature: str) -> Callable[[Loop], Loop]:
    """Puts the function on the list. The signature is in numba's words: `[::1]` lies in one piece, and what comes
    after `>` is written. A `kind` is a number of the two widths in `KINDS`, all of a signature of the same.
    """

    def listed(function: Loop) -> Loop:
        SIGNATURES[function.__name__] = function, signature
        return function

    return listed
