"""What a message says, as one immutable document: the thing officers approve and everything later reads.

Names are CAP 1.2's. The document is stored as the RFC 8785 text whose SHA-256 approvals are bound to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry

from geoalert.alerts.area import area_digest
from geoalert.alerts.categories import Category
from geoalert.alerts.circle import Circle
from geoalert.alerts.facts import read_incident
from geoalert.alerts.ground import Geography, read_ground
from geoalert.alerts.texts import Text, read_texts, reminding
from geoalert.errors import Invalid
from geoalert.store import canonical
from geoalert.subscribers.codes import CHANNELS, EMERGENCIES, SEVERITIES

URGENCIES: Final = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTIES: Final = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
LONGEST: Final = timedelta(days=30)
OFFSET: Final = "give the time with its offset, e.g. 2026-11-21T18:00:00+05:30"
ALERT_CHANNELS: Final = ("push", "sms", "post")


@dataclass(frozen=True, slots=True)
class Request:
    """What an author asks for, unchecked."""

    category: str
    severity: str
    texts: Mapping[str, Mapping[str, str]]
    expires: datetime
    wards: Sequence[str] = ()
    areas: Sequence[str] = ()
    drawn: Mapping[str, Any] | None = None
    urgency: str = "Expected"
    certainty: str = "Observed"
    onset: datetime | None = None
    channels: Sequence[str] = ALERT_CHANNELS
    send_at: datetime | None = None
    drill: bool = False
    incident: str | None = None
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A checked message. `area` is the resolved (multi)polygon in EPSG:4326; its digest is part of the document, so
    that an approval also covers the line itself.
    """

    category: str
    severity: str
    urgency: str
    certainty: str
    onset: datetime | None
    expires: datetime
    texts: Mapping[str, Text]
    wards: tuple[str, ...]
    drawn: Mapping[str, Any] | None
    epoch: str
    channels: tuple[str, ...]
    drill: bool
    send_at: datetime | None
    area: BaseGeometry
    areas: tuple[Mapping[str, Any], ...] = ()
    """Service areas by `code` and `version`."""
    widened_m: int = 0
    """By how many metres the wards in `area` are wider than their line."""
    circles: tuple[Circle, ...] = ()
    """Those that `drawn` was drawn from."""
    incident: str | None = None
    """The event that several alerts are about, by a name of their authors."""
    remind_at: datetime | None = None
    """When those told are told once more (`operations.reminders`)."""
    reminds: str | None = None
    """The message, by identifier, that this one is the reminder of."""

    def document(self) -> str:
        """The canonical text. What was never asked for leaves no key: older documents keep their hash."""
        asked = {"remind_at": self.remind_at.isoformat() if self.remind_at else None, "reminds": self.reminds}
        return canonical(
            {key: value for key, value in asked.items() if value is not None}
            | {
                "category": self.category,
                "severity": self.severity,
                "urgency": self.urgency,
                "certainty": self.certainty,
                "onset": self.onset.isoformat() if self.onset else None,
                "expires": self.expires.isoformat(),
                "texts": {language: asdict(text) for language, text in self.texts.items()},
                "area": {
                    "wards": list(self.wards),
                    "areas": [dict(area) for area in self.areas],
                    "drawn": self.drawn,
                    "circles": [asdict(circle) for circle in self.circles],
                    "epoch": self.epoch,
                    "widened_m": self.widened_m,
                    "sha256": area_digest(self.area),
                },
                "channels": list(self.channels),
                "drill": self.drill,
                "incident": self.incident,
                "send_at": self.send_at.isoformat() if self.send_at else None,
            }
        ).decode()


def hash_of(document: str) -> str:
    """SHA-256 of a canonical document, in hex."""
    return sha256(document.encode()).hexdigest()


def as_stored(document: str, area: BaseGeometry) -> Content:
    """The content of a stored message, by its document and its area."""
    held = json.loads(document)
    where = held["area"]

    def moment(key: str) -> datetime | None:
        return datetime.fromisoformat(held[key]) if held.get(key) else None

    return Content(
        category=held["category"],
        severity=held["severity"],
        urgency=held["urgency"],
        certainty=held["certainty"],
        onset=moment("onset"),
        expires=datetime.fromisoformat(held["expires"]),
        texts=texts_in(document),
        wards=tuple(where["wards"]),
        drawn=where["drawn"],
        epoch=where["epoch"],
        channels=tuple(held["channels"]),
        drill=held["drill"],
        send_at=moment("send_at"),
        area=area,
        areas=tuple(where.get("areas", ())),  # absent in messages older than service areas
        widened_m=where.get("widened_m", 0),  # likewise
        circles=tuple(Circle(**circle) for circle in where.get("circles", ())),  # likewise
        incident=held.get("incident"),  # likewise
        remind_at=moment("remind_at"),
        reminds=held.get("reminds"),
    )


def reminder_of(content: Content, identifier: str) -> Content:
    """What reminds of the message of that content and identifier: the same words, each headline marked; it leaves at
    once, and nothing reminds of it.
    """
    return replace(content, texts=reminding(content.texts), send_at=None, remind_at=None, reminds=identifier)


def texts_in(document: str) -> Mapping[str, Text]:
    """The texts of a stored document by language."""
    return MappingProxyType({language: Text(**parts) for language, parts in json.loads(document)["texts"].items()})


def read_content(request: Request, now: datetime, categories: Mapping[str, Category], geography: Geography) -> Content:
    """A checked content.

    Raises:
        Invalid: points at the field that is wrong.
    """
    if request.category not in categories:
        raise Invalid(f"categories are {', '.join(categories)}", pointer="/category")
    for pointer, value, known in (
        ("/severity", request.severity, tuple(SEVERITIES)),
        ("/urgency", request.urgency, URGENCIES),
        ("/certainty", request.certainty, CERTAINTIES),
    ):
        if value not in known:
            raise Invalid(f"one of {', '.join(known)}", pointer=pointer)
    expires, onset = _times(request, now)
    channels = tuple(name for name in CHANNELS if name in request.channels)
    if not channels or set(request.channels) - set(ALERT_CHANNELS):
        raise Invalid(f"channels are {', '.join(ALERT_CHANNELS)}", pointer="/channels")
    ground = read_ground(geography, request.severity, request.wards, request.areas, request.drawn, drill=request.drill)
    # An emergency may go out in the languages there are; everything else waits for all of them.
    texts = read_texts(request.texts, all_languages=request.severity not in EMERGENCIES)
    if request.remind_at is not None:
        reminding(texts)
    return Content(
        category=request.category,
        severity=request.severity,
        urgency=request.urgency,
        certainty=request.certainty,
        onset=onset,
        expires=expires,
        texts=texts,
        wards=ground.wards,
        drawn=None if ground.drawn is None else json.loads(shapely.to_geojson(ground.drawn)),
        epoch=geography.epoch,
        channels=channels,
        drill=request.drill,
        send_at=request.send_at.astimezone(UTC) if request.send_at else None,
        area=ground.area,
        areas=tuple({"code": area.code, "version": area.version} for area in ground.areas),
        widened_m=ground.widened_m,
        circles=ground.circles,
        incident=read_incident(request.incident),
        remind_at=request.remind_at.astimezone(UTC) if request.remind_at else None,
    )


def read_times(expires: datetime, onset: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
    """Until when an alert that is written `now` holds, and when its event begins, in UTC.

    Raises:
        Invalid: a time without its offset, an end that is past or too far off, or a beginning after it.
    """
    _require_offsets({"/expires": expires, "/onset": onset})
    expires = expires.astimezone(UTC)
    if expires <= now:
        raise Invalid("this time has passed: the alert would be expired before it leaves", pointer="/expires")
    if expires - now > LONGEST:
        raise Invalid(f"at most {LONGEST.days} days ahead", pointer="/expires")
    onset = onset.astimezone(UTC) if onset else None
    if onset and onset >= expires:
        raise Invalid("the event begins after the alert expires", pointer="/onset")
    return expires, onset


def _require_offsets(moments: Mapping[str, datetime | None]) -> None:
    for pointer, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            raise Invalid(OFFSET, pointer=pointer)


def _times(request: Request, now: datetime) -> tuple[datetime, datetime | None]:
    _require_offsets({"/send_at": request.send_at, "/remind_at": request.remind_at})
    expires, onset = read_times(request.expires, request.onset, now)
    if request.send_at and request.send_at >= expires:
        raise Invalid("the message would leave after it expires", pointer="/send_at")
    if request.remind_at:
        _check_reminder(request.remind_at, now, request.send_at, onset, expires)
    return expires, onset


def _check_reminder(
    remind_at: datetime, now: datetime, send_at: datetime | None, onset: datetime | None, expires: datetime
) -> None:
    wrong = None
    if remind_at <= now:
        wrong = "this time has passed: a reminder comes after the message"
    elif send_at and remind_at <= send_at:
        wrong = "the reminder would leave before the message, or with it"
    elif remind_at >= expires:
        wrong = "the reminder would leave after the alert expires"
    elif onset and remind_at > onset:
        wrong = "the event has begun by then: remind before it does"
    if wrong:
        raise Invalid(wrong, pointer="/remind_at")
