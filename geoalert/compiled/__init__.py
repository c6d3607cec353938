"""The innermost loops of finding and planning, compiled by numba where `geoalert[fast]` is installed.

They never decide anything: each stands for a few lines of numpy beside the place that calls it, which are the rule and
give the same answer. Only a process that stays compiles them (`geoalert serve`), beside its first answers; until they
are ready, where numba is absent, and where the setting says so, numpy does it.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from geoalert.compiled import covering, passes
from geoalert.compiled.listing import KINDS, SIGNATURES

log = logging.getLogger(__name__)
LISTED: Final = (covering, passes)
Loop = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Loops:
    """Those of `covering` and `passes`, compiled."""

    raise_edges: Loop
    touch_cells: Loop
    order_by: Loop
    join_stretches: Loop
    look_through: Loop
    mark_places: Loop
    mark: Loop
    list_marks: Loop
    take_ids: Loop
    take_kinds: Loop
    take_codes: Loop
    admit: Loop
    deal: Loop
    write_steps: Loop


@dataclass(slots=True)
class _Switch:
    ready: Loops | None = None
    on: bool = False


_of_this_process: Final = _Switch()  # machine code is one in a process, as a module is
_one_at_a_time: Final = threading.Lock()


def loops() -> Loops | None:
    """The compiled loops; None where numpy is to do it."""
    return _of_this_process.ready if _of_this_process.on else None


def switch(*, on: bool) -> None:
    """Whether they are used, once they are ready."""
    _of_this_process.on = on


def prepare() -> bool:
    """Makes them ready, from numba's cache or by compiling, which takes seconds: not for the thread of the event loop.
    False where there is no numba or it cannot: that is logged, and numpy goes on.
    """
    with _one_at_a_time:
        if _of_this_process.ready is None:
            try:
                # Not at the top: numba is a choice, and takes longer to import than most commands take to run.
                _of_this_process.ready = _compiled(importlib.import_module("numba"))
            except ModuleNotFoundError:
                log.info("numba is not installed: numpy finds audiences")
            except Exception:
                log.exception("the loops cannot be compiled: numpy finds audiences")
        return _of_this_process.ready is not None


def _compiled(numba: Any) -> Loops | None:  # noqa: ANN401 - a module that may be absent
    if numba.config.DISABLE_JIT:  # Python's own loops, far slower than numpy, are all there is then
        return None
    try:
        return _kept(numba, cache=True)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the cache, it can be done without
        # No folder can be written, the disk is full, or what was kept is damaged.
        log.warning("the compiled loops are not kept for the next start: %s", type(error).__name__)
        return _kept(numba, cache=False)


def _kept(numba: Any, *, cache: bool) -> Loops:  # noqa: ANN401
    return Loops(
        **{
            name: numba.njit(_signatures(numba.types, words), cache=cache, nogil=True)(function)
            for name, (function, words) in SIGNATURES.items()
        }
    )


def _signatures(types: Any, words: str) -> list[Any]:  # noqa: ANN401
    kinds = KINDS if "kind[" in words else KINDS[:1]
    return [_signature(types, words.replace("kind[", f"{kind}[")) for kind in kinds]


def _signature(types: Any, words: str) -> Any:  # noqa: ANN401
    reads, writes = (side.split() for side in words.split(">"))
    return types.int64(
        *(_argument(types, word, readonly=True) for word in reads),
        *(_argument(types, word, readonly=False) for word in writes),
    )


def _argument(types: Any, word: str, *, readonly: bool) -> Any:  # noqa: ANN401
    name, bracket, sides = word.partition("[")
    of = getattr(types, name)
    # One that may be written is also taken where one is only read, but not the other way round.
    return types.Array(of, 1 + sides.count(","), "C", readonly=readonly) if bracket else of
