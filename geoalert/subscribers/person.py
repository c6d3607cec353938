"""What a person asks for, checked: the one way in for the form, the import file and the call centre."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import phonenumbers

from geoalert.errors import Invalid
from geoalert.subscribers.codes import CITIZEN_CHANNELS, LANGUAGES, SEVERITIES
from geoalert.subscribers.mobile import plain_mobile
from geoalert.subscribers.rounded import rounded_code
from geoalert.wards.config import Bbox
from geoalert.wards.point import parse_point
from geoalert.wards.reach import around

REGION = "IN"
LABELS = ("home", "work", "parents", "other")
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
TOKEN = re.compile(r"[A-Za-z0-9_:\-.]{8,400}")
HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-3]):([0-5]\d)")
MAX_PLACES = 10
ALL_CATEGORIES = (1 << 62) - 1


@dataclass(frozen=True, slots=True)
class Point:
    """A place as the person gave it; degrees, EPSG:4326."""

    lon: float
    lat: float
    label: str = "home"


@dataclass(frozen=True, slots=True)
class WardPlace:
    code: str
    label: str = "home"


@dataclass(frozen=True, slots=True)
class RoundedPlace:
    """A square of the map, of a person who gives no point; `code` as in `subscribers.rounded`."""

    code: str
    label: str = "home"


@dataclass(frozen=True, slots=True)
class Person:
    """A checked wish to be told. Addresses are normalised: E.164, lower-case e-mail, the token as it is."""

    addresses: Mapping[str, str]  # channel name -> value
    channels: Sequence[str]  # the person's order
    points: Sequence[Point]
    wards: Sequence[WardPlace]
    language: str = "mr"
    categories: int = ALL_CATEGORIES
    min_severity: str = "Minor"
    quiet: tuple[int, int] | None = None
    consent: str = ""  # the basis it rests on; empty: none, only emergencies are sent
    rounded: Sequence[RoundedPlace] = ()


def phone(value: str) -> str:
    """The number in E.164.

    Raises:
        Invalid: not a number that can take an SMS. The reason does not repeat the number.
    """
    if (mobile := plain_mobile(value)) is not None:
        return mobile
    try:
        number = phonenumbers.parse(value, REGION)
    except phonenumbers.NumberParseException:
        raise Invalid("not a phone number", pointer="/phone") from None
    if not phonenumbers.is_valid_number(number):
        raise Invalid("not a valid phone number", pointer="/phone")
    if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE:
        raise Invalid("a fixed line cannot take an SMS", pointer="/phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(value: str) -> str:
    """The address in lower case.

    Raises:
        Invalid: not an e-mail address.
    """
    if not EMAIL.fullmatch(value):
        raise Invalid("not an e-mail address", pointer="/email")
    return value.lower()


def push_token(value: str) -> str:
    """The token as it is.

    Raises:
        Invalid: has characters or a length that no push service issues.
    """
    if not TOKEN.fullmatch(value):
        raise Invalid("not a push token", pointer="/push_token")
    return value


READERS = {"phone": ("sms", phone), "email": ("email", email), "push_token": ("push", push_token)}


def point(lat: str | float | None, lon: str | float | None, city: Bbox, label: str = "home") -> Point:
    """A point from degrees, in or around the city.

    Raises:
        Invalid: not a pair of numbers on the earth, the two look swapped, or no alert of the city can reach it.
    """
    try:
        x, y = parse_point(lat, lon, city)
    except Invalid as wrong:
        raise Invalid(wrong.reason, pointer="/places") from None
    if not around(city).holds(x, y):
        # Kept, it would look like a place that is told, and never be.
        raise Invalid("the place is so far from the city that no alert reaches it", pointer="/places")
    return Point(x, y, label)


def round_off(lat: str | float | None, lon: str | float | None, city: Bbox, label: str = "home") -> RoundedPlace:
    """The square that holds a point: what comes in is forgotten here.

    Raises:
        Invalid: as `point`.
    """
    exact = point(lat, lon, city)
    return RoundedPlace(rounded_code(exact.lon, exact.lat), label)


def quiet_hours(value: str) -> tuple[int, int]:
    """Minutes of the day, from (inclusive) and to (exclusive), for "22:00-06:30".

    Raises:
        Invalid: not two times, or the same time twice.
    """
    match = HOURS.fullmatch(value.strip())
    if match is None:
        raise Invalid("quiet hours are written 22:00-06:30", pointer="/quiet_hours")
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start == end:
        raise Invalid("quiet hours begin and end at the same time", pointer="/quiet_hours")
    return start, end


def one_of(value: str, known: Mapping[str, int], pointer: str) -> str:
    """`value` if it is known.

    Raises:
        Invalid: lists what is known; does not repeat the value, which may be anything.
    """
    if value not in known:
        raise Invalid(f"not one of {', '.join(known)}", pointer=pointer)
    return value


def category_bits(names: Sequence[str], known: Mapping[str, int]) -> int:
    """One bit per chosen category; none chosen means all.

    Raises:
        Invalid: a category that does not exist.
    """
    bits = 0
    for name in names:
        bits |= 1 << known[one_of(name, known, "/categories")]
    return bits or ALL_CATEGORIES


def make_person(
    *,
    addresses: Mapping[str, str],
    points: Sequence[Point] = (),
    wards: Sequence[WardPlace] = (),
    channels: Sequence[str] = (),
    language: str = "",
    categories: int = ALL_CATEGORIES,
    min_severity: str = "",
    quiet: tuple[int, int] | None = None,
    consent: str = "",
    rounded: Sequence[RoundedPlace] = (),
) -> Person:
    """A person whose parts fit together. Empty parts take their defaults.

    Raises:
        Invalid: no address, no place, a channel without its address, or an unknown word.
    """
    if not addresses:
        raise Invalid("give a phone number, an e-mail address or a push token", pointer="/phone")
    count = len(points) + len(wards) + len(rounded)
    if not count:
        raise Invalid("give at least one place", pointer="/places")
    if count > MAX_PLACES:
        raise Invalid(f"at most {MAX_PLACES} places", pointer="/places")
    order = list(dict.fromkeys(channels)) or [name for name in CITIZEN_CHANNELS if name in addresses]
    for name in order:
        if name not in CITIZEN_CHANNELS:
            raise Invalid(f"not one of {', '.join(CITIZEN_CHANNELS)}", pointer="/channels")
        if name not in addresses:
            raise Invalid(f"{name} was chosen but there is no {CITIZEN_CHANNELS[name]}", pointer="/channels")
    return Person(
        addresses=dict(addresses),
        channels=tuple(order),
        points=tuple(points),
        wards=tuple(wards),
        language=one_of(language or "mr", LANGUAGES, "/language"),
        categories=categories,
        min_severity=one_of(min_severity or "Minor", SEVERITIES, "/min_severity"),
        quiet=quiet,
        consent=consent,
        rounded=tuple(rounded),
    )
