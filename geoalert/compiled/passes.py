"""The loops that numba compiles, as plain functions: numbers and arrays in, arrays filled, how many entries returned.

None of them allocates, raises, or looks beyond what it is given; a caller gives arrays that are long enough.

Numbers from elsewhere are written out here, and a test holds them to their source: numba keeps machine code by the text
of this file, and would go on with the old number if it changed in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoalert.compiled.listing import loop

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFT: Final = 12  # of a cell, and what follows from it
WITHIN: Final = 0xFFF
ROW: Final = 20
COLUMN: Final = 0xFFFFF
SEVERITY_BITS: Final = 0x7 << 4  # of `attr`
STEP_BITS: Final = 7  # of a step between owners in a byte
LOWEST: Final = 0x7F
MORE: Final = 0x80
# One bit a slot. All unsigned: numba makes a float of signed and unsigned together.
NO_BIT, BIT, WORD = np.uint64(0), np.uint64(1), np.uint64(63)
# A de Bruijn sequence: the upper six bits of its product with a power of two are different for each of the 64.
SEQUENCE, UPPER = np.uint64(0x03F79D71B4CB0A89), np.uint64(58)
POSITION: Final = np.zeros(64, dtype=np.int64)
POSITION[[((0x03F79D71B4CB0A89 << bit) & (1 << 64) - 1) >> 58 for bit in range(64)]] = range(64)


@loop("int64[:,::1] int64[::1] int64[::1] int32[::1] > int64[:,::1]")
def look_through(
    runs: NDArray[np.int64],
    begin: NDArray[np.int64],
    at: NDArray[np.int64],
    first: NDArray[np.int32],
    bounds: NDArray[np.int64],
) -> int:
    """For each run its first entry, the one after its last, and the stretch where it begins; how many places are in all
    of them. Runs ascend as stretches do: none is looked for before the last that was found.
    """
    stretch, among = 0, 0
    for run in range(len(runs)):
        for side in range(2):
            cell = runs[run, side] + side
            if stretch + 1 < len(begin) and begin[stretch + 1] <= cell:
                stretch, beyond = stretch + 1, len(begin)
                while beyond - stretch > 1:
                    between = (stretch + beyond) >> 1
                    if begin[between] <= cell:
                        stretch = between
                    else:
                        beyond = between
            bounds[run, side] = min(at[stretch] + max(cell - begin[stretch], 0), at[stretch + 1])
            if side == 0:
                bounds[run, 2] = stretch
        among += first[bounds[run, 1]] - first[bounds[run, 0]]
    return among


@loop(
    "int64[:,::1] int64[:,::1] int64[::1] int64[::1] boolean[::1] float64[::1] float64[::1] float64[::1] float64[::1]"
    " float64[::1] int64[::1] int64[::1] int32[::1] uint32[::1] uint32[::1] kind[::1] boolean[::1] int64"
    " > uint64[::1] int64[::1] int64[::1]"
)
def mark_places(  # noqa: C901, PLR0917 - one pass over memory; plain arrays are what compiles
    runs: NDArray[np.int64],
    bounds: NDArray[np.int64],
    edge_start: NDArray[np.int64],
    edge_count: NDArray[np.int64],
    west_inside: NDArray[np.bool_],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    run_x: NDArray[np.float64],
    rise: NDArray[np.float64],
    level: NDArray[np.float64],
    begin: NDArray[np.int64],
    at: NDArray[np.int64],
    first: NDArray[np.int32],
    offsets: NDArray[np.uint32],
    slots: NDArray[np.uint32],
    kinds: NDArray[np.uint16],
    passing: NDArray[np.bool_],
    crowded: int,
    marks: NDArray[np.uint64],
    doubtful: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> int:
    """Marks the slots of those places in the runs that are certainly inside, where the person's kind passes; how many
    places, each with its cell, it left as doubtful, which the exact shape must decide. On an edge it is the same sum as
    `audience.cover.Cover.inside`, counted so that a processor does several edges at once.
    """
    left, edge_run = 0, -1
    for run in range(len(runs)):
        if runs[run, 2] == 0:
            for place in range(first[bounds[run, 0]], first[bounds[run, 1]]):
                slot = np.uint64(slots[place])
                marks[slot >> np.uint64(6)] |= np.uint64(passing[np.uint64(kinds[place])]) << (slot & WORD)
            continue
        edge_run += 1
        begins, ends = edge_start[edge_run], edge_start[edge_run] + edge_count[edge_run]
        lows, highs, runs_x = low[begins:ends], high[begins:ends], run_x[begins:ends]
        rises, levels = rise[begins:ends], level[begins:ends]
        stretch = bounds[run, 2]
        for entry in range(bounds[run, 0], bounds[run, 1]):
            while at[stretch + 1] <= entry:
                stretch += 1
            cell = begin[stretch] + (entry - at[stretch])
            west, south = (cell & COLUMN) << SHIFT, (cell >> ROW) << SHIFT
            for place in range(first[entry], first[entry + 1]):
                if not passing[np.uint64(kinds[place])]:
                    continue
                x = np.float64(west + (np.int64(offsets[place]) & WITHIN))
                y = np.float64(south + (np.int64(offsets[place]) >> SHIFT))
                crossed, unsure = np.int64(west_inside[edge_run]), np.int64(len(lows) > crowded)
                if not unsure:
                    for edge in range(len(lows)):
                        side = runs_x[edge] * y - rises[edge] * x - levels[edge]
                        unsure += np.int64(abs(side) <= abs(runs_x[edge]) + rises[edge])
                        crossed += np.int64((side < 0) & (lows[edge] <= y) & (y < highs[edge]))
                if unsure:
                    doubtful[left], cells[left] = place, cell
                    left += 1
                elif crossed & 1:
                    slot = np.uint64(slots[place])
                    marks[slot >> np.uint64(6)] |= BIT << (slot & WORD)
    return left


@loop("int64[::1] boolean > uint64[::1]")
def mark(slots: NDArray[np.int64], inside: bool, marks: NDArray[np.uint64]) -> int:
    """Marks these slots, or takes their marks away."""
    for at in range(len(slots)):
        slot = np.uint64(slots[at])
        bit = BIT << (slot & WORD)
        if inside:
            marks[slot >> np.uint64(6)] |= bit
        else:
            marks[slot >> np.uint64(6)] &= ~bit
    return len(slots)


@loop("uint64[::1] kind[::1] > int64[::1] kind[::1]")
def list_marks(
    marks: NDArray[np.uint64], everybody: NDArray[np.uint16], slots: NDArray[np.int64], kinds: NDArray[np.uint16]
) -> int:
    """The marked slots, ascending, and the kind that each of them has among those of everybody."""
    found = 0
    for word in range(len(marks)):
        left = marks[word]
        while left != NO_BIT:
            slot = word * 64 + POSITION[((left & (NO_BIT - left)) * SEQUENCE) >> UPPER]
            slots[found], kinds[found] = slot, everybody[np.uint64(slot)]
            left &= left - BIT
            found += 1
    return found


@loop("int64[::1] int64[::1] > int64[::1]")
def take_ids(slots: NDArray[np.int64], ids: NDArray[np.int64], taken: NDArray[np.int64]) -> int:
    """Those of these slots. Nothing but what waits for memory, so that much of it waits at once."""
    for at in range(len(slots)):
        taken[at] = ids[np.uint64(slots[at])]
    return len(slots)


@loop("int64[::1] kind[::1] > kind[::1]")
def take_kinds(slots: NDArray[np.int64], kinds: NDArray[np.uint16], taken: NDArray[np.uint16]) -> int:
    """As `take_ids`."""
    for at in range(len(slots)):
        taken[at] = kinds[np.uint64(slots[at])]
    return len(slots)


@loop("kind[::1] uint8[::1] uint8[::1] > uint8[::1] uint8[::1]")
def take_codes(
    kinds: NDArray[np.uint16],
    channel: NDArray[np.uint8],
    language: NDArray[np.uint8],
    channels: NDArray[np.uint8],
    languages: NDArray[np.uint8],
) -> int:
    """The channel and the language of each of these kinds."""
    for at in range(len(kinds)):
        kind = np.uint64(kinds[at])
        channels[at], languages[at] = channel[kind], language[kind]
    return len(kinds)


@loop("int64[::1] int64[::1] int64 int64 int64 int64 > boolean[::1]")
def admit(
    attr: NDArray[np.int64],
    categories: NDArray[np.int64],
    must: int,
    usable: int,
    category: int,
    strictest: int,
    wanted: NDArray[np.bool_],
) -> int:
    """Whom the rules let us tell; the numbers are those of `audience.sieve.Sieve`."""
    for at in range(len(attr)):
        one = attr[at]
        wanted[at] = (
            ((one & must) == must)
            & ((one & usable) != 0)
            & (((categories[at] & category) != 0) | (category == 0))
            & ((one & SEVERITY_BITS) <= strictest)
        )
    return len(attr)


@loop("uint16[::1] int64[::1] > int64[::1] int64[::1]")
def deal(pile: NDArray[np.uint16], owner: NDArray[np.int64], end: NDArray[np.int64], dealt: NDArray[np.int64]) -> int:
    """Puts every owner behind those already on its pile; `end` is where each pile ends now."""
    for at in range(len(pile)):
        on = pile[at]
        dealt[end[on]] = owner[at]
        end[on] += 1
    return len(pile)


@loop("int64[::1] int64 > uint8[::1] int64[::1]")
def write_steps(owners: NDArray[np.int64], most: int, body: NDArray[np.uint8], ends: NDArray[np.int64]) -> int:
    """Steps from owner to owner by LEB128, those within each share of so many, one share after the other, and where
    each ends; how many bytes, or -1 and nothing written where the owners do not ascend.
    """
    before, after = owners[:-1], owners[1:]
    wrong = np.uint64(0)
    for at in range(len(before)):
        step = np.uint64(after[at]) - np.uint64(before[at])
        wrong |= step | (
            step - BIT
        )  # the highest bit: of no step, of one backwards, and of one too wide for its number
    if wrong >> WORD:
        return -1
    written, byte = np.uint64(0), np.uint64(1)
    for share in range(len(ends)):
        begin, end = share * most, min(share * most + most, len(owners))
        last = owners[begin]
        for owner in owners[begin + 1 : end]:
            step, last = owner - last, owner
            while step >= MORE:
                body[written] = step & LOWEST | MORE
                written += byte
                step >>= STEP_BITS
            body[written] = step
            written += byte
        ends[share] = written
    return int(written)
