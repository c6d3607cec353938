"""What decides whether and how a person is told, packed into one integer beside every place of theirs.

Bits of `attr`, from the lowest: 4 language, 3 least severity, 1 consent, 1 active, 11 quiet from, 11 quiet to (minutes
of the city's day; equal: none), then 3 for each channel code from 1 to 10: 0 where the person has no usable address,
else its place in their order, 1 first. Database triggers write it (migration 0004), so that nothing goes round it;
`geoalert audience verify` computes it again from the rows it stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LANGUAGE = (0, 0b1111)
MIN_SEVERITY = (4, 0b111)
CONSENT = 1 << 7
ACTIVE = 1 << 8
QUIET_FROM = (9, 0x7FF)
QUIET_TO = (20, 0x7FF)
CHANNEL_SHIFT: Final = 31  # of channel code 1
CHANNEL_BITS: Final = 3


def field(attr: NDArray[np.int64], where: tuple[int, int]) -> NDArray[np.int64]:
    """One number of each person."""
    shift, mask = where
    return attr >> shift & mask


def order_mask(channel: int) -> int:
    """The bits of a channel: none is set where the person has no usable address for it."""
    return ((1 << CHANNEL_BITS) - 1) << CHANNEL_SHIFT + CHANNEL_BITS * (channel - 1)


def order_of(attr: NDArray[np.int64], channel: int) -> NDArray[np.int64]:
    """Where the channel stands in each person's order, 1 first; 0 where they have no usable address for it."""
    return attr >> (CHANNEL_SHIFT + CHANNEL_BITS * (channel - 1)) & ((1 << CHANNEL_BITS) - 1)
