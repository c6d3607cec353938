"""What telling an audience would take: segments, rupees and minutes, from the channels' own figures."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from geoalert.alerts.texts import Text, language_for
from geoalert.dispatch.channels.channel import Channel, Notice
from geoalert.dispatch.plan import Route
from geoalert.errors import Invalid
from geoalert.subscribers.codes import CHANNEL_NAMES, CHANNELS, LANGUAGES

SMS: Final = CHANNELS["sms"]
NUMBER: Final = str(UUID(int=0))  # as long as the identifiers of the real notice
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """`segments` of an SMS by the reader's language; None where nobody can know: no texts, or no provider.
    `minutes` by channel, from the rate its provider takes, rounded up; None for a channel without one.
    """

    segments: dict[str, int] | None
    rupees: float | None
    minutes: dict[str, int | None]


def estimate(
    by_channel: Counts,
    codes: Collection[int],
    routes: Mapping[int, Route],
    texts: Mapping[str, Text] | None,
    severity: str,
    now: datetime,
) -> Estimate:
    """For these counts by channel and language, over the channels of these codes.

    Raises:
        Invalid: a channel cannot carry the texts.
    """
    carriers = {code: routes[code].channel if code in routes else None for code in sorted(codes)}
    minutes = {
        CHANNEL_NAMES[code]: _minutes(sum(by_channel.get(CHANNEL_NAMES[code], {}).values()), carrier)
        for code, carrier in carriers.items()
    }
    if texts is None:
        return Estimate(None, None, minutes)
    units = {
        code: {language: _units(carrier, language, texts, severity, now) for language in LANGUAGES}
        for code, carrier in carriers.items()
        if carrier is not None
    }
    rupees = None
    if None not in carriers.values():
        rupees = sum(
            count * units[code][language] * carrier.traits.cost_per_unit
            for code, carrier in carriers.items()
            if carrier is not None
            for language, count in by_channel.get(CHANNEL_NAMES[code], {}).items()
        )
    return Estimate(units.get(SMS), None if rupees is None else round(rupees, 2), minutes)


def _minutes(people: int, carrier: Channel | None) -> int | None:
    return None if carrier is None else math.ceil(people / carrier.traits.rate / 60)


def _units(carrier: Channel, language: str, texts: Mapping[str, Text], severity: str, now: datetime) -> int:
    """Counted by what prepares the message that is sent, on the text this reader would get."""
    chosen = language_for(language, texts)
    text = texts[chosen]
    notice = Notice(
        alert=NUMBER,
        message=NUMBER,
        revision=1,
        msg_type="Alert",
        language=chosen,
        category="",
        severity=severity,
        headline=text.headline,
        description=text.description,
        instruction=text.instruction,
        expires=now + timedelta(hours=1),
        link="",
    )
    try:
        return carrier.prepare(notice).units
    except Invalid as refusal:
        raise Invalid(refusal.reason, pointer=f"/texts/{chosen}{refusal.pointer}") from None
