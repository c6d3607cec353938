"""The short way of reading a mobile number says what phonenumbers says, or nothing."""

from __future__ import annotations

import random

import phonenumbers
import pytest

from geoalert.errors import Invalid
from geoalert.subscribers.mobile import plain_mobile
from geoalert.subscribers.person import phone


def by_library(value: str) -> str | None:
    """E.164 where the library calls it a valid number that is not a fixed line."""
    number = phonenumbers.parse(value, "IN")
    kind = phonenumbers.number_type(number)
    if not phonenumbers.is_valid_number(number) or kind == phonenumbers.PhoneNumberType.FIXED_LINE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_every_prefix_however_written_is_read_as_the_library_reads_it() -> None:
    chance = random.Random(3)  # noqa: S311 - the digits behind the prefix
    taken = 0
    for prefix in range(60_000, 100_000, 7):
        value = f"{chance.choice(('+91', '0', ''))}{prefix}{chance.randrange(100_000):05d}"
        found = plain_mobile(value)
        assert found in {None, by_library(value)}, value
        taken += found is not None
    assert taken > 2_000, "most are mobile numbers, and none was taken"


@pytest.mark.parametrize(
    "value", ["", "+9198765432", "919876543210", "98765 43210", "+1 202 555 0101", "٩٨٧٦٥٤٣٢١٠", "+919876543210 "]
)
def test_what_is_written_otherwise_is_left_to_the_library(value: str) -> None:
    assert plain_mobile(value) is None


def test_a_fixed_line_and_a_made_up_number_are_refused_all_the_same() -> None:
    for value in ("02025501000", "+912025501000", "+916000", "0600000000"):
        with pytest.raises(Invalid):
            phone(value)
