"""Whom to wake and whom to test with, read from the settings; what is wrong there is refused at the start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from geoalert.dispatch.pager import Pager
from geoalert.dispatch.staff import Staff
from geoalert.errors import Invalid
from geoalert.settings import Settings
from geoalert.subscribers.person import phone, push_token
from geoalert.wards import City

SCHEMES: Final = ("http", "https")
ADDRESSES: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType({"sms": phone, "push": push_token})


def make_pager(settings: Settings) -> Pager | None:
    """The pager, where one is named.

    Raises:
        Invalid: names the setting, and repeats nothing of it.
    """
    url, token = settings.pager.url.get_secret_value().strip(), settings.pager.token.get_secret_value().strip()
    if not url:
        return None
    try:
        address = urlsplit(url)
        usable = address.scheme in SCHEMES and bool(address.hostname) and address.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(sign.isspace() for sign in url):
        raise Invalid("GEOALERT_PAGER_URL is not an http or https address", pointer="/pager/url")
    if address.username is not None or address.password is not None:
        raise Invalid("put what GEOALERT_PAGER_URL has before the @ in GEOALERT_PAGER_TOKEN", pointer="/pager/url")
    if not (token.isascii() and (token.isprintable() or not token)):
        raise Invalid("GEOALERT_PAGER_TOKEN has signs that no header can carry", pointer="/pager/token")
    return Pager(url, token, settings.city.key)


def make_staff(settings: Settings, city: City) -> Staff | None:
    """Who gets the daily message, where somebody is named: `sms:<number>,push:<token>`, in any number.

    Raises:
        Invalid: names the setting and the place in it, and repeats no address.
    """
    if settings.staff.at.tzinfo is not None:
        raise Invalid("GEOALERT_STAFF_AT is a time of the city's day, without a zone", pointer="/staff/at")
    written = settings.staff.to.get_secret_value().strip()
    if not written:
        return None
    addresses: dict[str, list[str]] = defaultdict(list)
    for number, entry in enumerate(written.split(","), 1):
        channel, _, address = entry.strip().partition(":")
        read = ADDRESSES.get(channel)
        if read is None:
            expected = " or ".join(f"{name}:…" for name in ADDRESSES)
            raise Invalid(f"entry {number} of GEOALERT_STAFF is not {expected}", pointer="/staff/to")
        try:
            found = read(address.strip())
        except Invalid as wrong:
            raise Invalid(f"entry {number} of GEOALERT_STAFF: {wrong.reason}", pointer="/staff/to") from None
        if found not in addresses[channel]:
            addresses[channel].append(found)
    return Staff(dict(addresses), settings.staff.at, ZoneInfo(city.config.timezone))
