"""Whom a batch is for, in a few bytes: the first owner, and the step from each to the next.

Owners ascend, and in a whole ward the next is some tens of ids away: a byte for nearly each instead of eight, which
were eight of the ten that a recipient took. SQLite writes them anew with every outcome of the batch.

The bytes: a form (1), the first owner (8, little-endian), and each further step by LEB128: seven bits a byte, the
lowest first, the eighth set where another byte follows. The other form (8) is owners of eight bytes, one after the
other: stores of long ago hold some that do not ascend.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from geoalert import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoalert.compiled import Loops

HEAD: Final = struct.Struct("<Bq")
BY_STEPS, WHOLE = 1, 8
BITS: Final = 7  # of a step in a byte
MORE: Final = 1 << BITS
LONGEST: Final = 9  # bytes of a step
NOT_ASCENDING: Final = "the owners of a batch ascend, each once"
TOGETHER: Final = 16  # shares written at one go: what lies between ids and bytes then stays in the processor's cache


class Share(NamedTuple):
    """One batch's worth of owners: how many, the least, the greatest, and all of them as `owners_in` reads them."""

    size: int
    least: int
    greatest: int
    held: bytes


def shared_out(owners: NDArray[np.int64], most: int) -> list[Share]:
    """Owners, ascending and each once, in shares of at most so many.

    Raises:
        ValueError: they do not ascend. Read back, they would be other people.
    """
    if (loops := compiled.loops()) is not None and len(owners):
        return _shared_out(np.ascontiguousarray(owners), most, loops)
    shares: list[Share] = []
    for begin in range(0, len(owners), most * TOGETHER):
        some = owners[begin : begin + most * TOGETHER]
        steps = np.diff(owners[begin : begin + len(some) + 1])  # the last one leads to the next of these
        if (steps <= 0).any():
            raise ValueError(NOT_ASCENDING)
        first = np.arange(0, len(some), most)
        last = np.minimum(first + most, len(some)) - 1
        start, body = _written(steps)
        offsets = (first, last) if start is None else (start[first], start[last])
        bounds = (some[first], some[last], last - first + 1, *offsets)
        shares.extend(
            Share(size, least, greatest, HEAD.pack(BY_STEPS, least) + body[from_:to].tobytes())
            for least, greatest, size, from_, to in zip(*(bound.tolist() for bound in bounds), strict=True)
        )
    return shares


def _shared_out(owners: NDArray[np.int64], most: int, loops: Loops) -> list[Share]:
    """As `shared_out`, by compiled loops."""
    first = np.arange(0, len(owners), most)
    last = np.append(first[1:], len(owners)) - 1
    # A step that takes a byte more is at least so much wider: no more bytes than these can be needed.
    room = len(owners) + min((LONGEST - 1) * len(owners), max(int(owners[-1]) - int(owners[0]), 0) >> BITS)
    body, ends = np.empty(room, dtype=np.uint8), np.empty(len(first), dtype=np.int64)
    if loops.write_steps(owners, most, body, ends) < 0:
        raise ValueError(NOT_ASCENDING)
    written, begins, shares = body[: ends[-1]].tobytes(), 0, []
    bounds = (owners.take(first), owners.take(last), last - first + 1, ends)
    for least, greatest, size, end in zip(*(bound.tolist() for bound in bounds), strict=True):
        shares.append(Share(size, least, greatest, HEAD.pack(BY_STEPS, least) + written[begins:end]))
        begins = end
    return shares


def owners_in(held: bytes) -> NDArray[np.int64]:
    """Owner ids by position: a subscriber's, or the negative of an account's.

    Raises:
        ValueError: the bytes are of no form that is known, or break off.
    """
    if not held:
        return np.empty(0, dtype=np.int64)
    if held[0] == WHOLE:
        return np.frombuffer(held, dtype="<i8", offset=1)
    if held[0] != BY_STEPS or len(held) < HEAD.size or (len(held) > HEAD.size and held[-1] >= MORE):
        raise ValueError("these are not the owners of a batch")
    _, first = HEAD.unpack_from(held)
    steps = _read(np.frombuffer(held, dtype=np.uint8, offset=HEAD.size))
    owners = np.empty(len(steps) + 1, dtype=np.int64)
    owners[0] = first
    np.cumsum(steps, dtype=np.int64, out=owners[1:])
    owners[1:] += first
    return owners


def _written(steps: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, NDArray[np.uint8]]:
    """Where each of the steps begins, with the end of all, and they one after the other; None: a byte each."""
    wide = np.flatnonzero(steps >= MORE)
    if not len(wide):
        return None, steps.astype(np.uint8)
    length = np.ones(len(steps), dtype=np.int64)
    left = steps[wide]
    while (left := left >> BITS).any():
        length[wide] += left != 0
    start = np.concatenate([[0], np.cumsum(length)])
    body = np.empty(start[-1], dtype=np.uint8)
    body[start[:-1]] = steps & MORE - 1
    body[start[wide]] |= MORE
    byte = 1
    while len(wide):
        follows = length[wide] > byte + 1
        body[start[wide] + byte] = (steps[wide] >> BITS * byte & MORE - 1) | np.where(follows, MORE, 0)
        wide, byte = wide[follows], byte + 1
    return start, body


def _read(body: NDArray[np.uint8]) -> NDArray[np.int64]:
    ends = np.flatnonzero(body < MORE)
    if len(ends) == len(body):
        return body.astype(np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    steps: NDArray[np.int64] = (body[starts] & MORE - 1).astype(np.int64)
    wide, byte = np.flatnonzero(ends > starts), 1
    while len(wide):
        steps[wide] |= (body[starts[wide] + byte] & MORE - 1).astype(np.int64) << BITS * byte
        byte += 1
        wide = wide[ends[wide] - starts[wide] >= byte]
    return steps
