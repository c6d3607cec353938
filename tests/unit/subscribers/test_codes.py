"""Published numbers, against the room they are given."""

from __future__ import annotations

from geoalert.subscribers.attributes import CHANNEL_BITS, CHANNEL_SHIFT, LANGUAGE
from geoalert.subscribers.codes import CHANNELS, LANGUAGES


def test_every_number_fits_where_it_is_packed() -> None:
    """Beside a place, in the keys of recipients and of their batches: what did not fit would be another's."""
    assert min(*LANGUAGES.values(), *CHANNELS.values()) > 0
    assert max(LANGUAGES.values()) <= LANGUAGE[1] < 1 << 4
    assert max(CHANNELS.values()) < 1 << 4
    assert CHANNEL_SHIFT + CHANNEL_BITS * max(CHANNELS.values()) < 63
