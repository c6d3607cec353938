"""What an author sends."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from api.v1.fields import AlertChannel, Body, Certainty, Code, Incident, Moment, Prose, Severity, Text, Urgency
from geoalert.alerts import Request
from geoalert.alerts.area import MAX_AREAS, MAX_WARDS
from geoalert.alerts.content import ALERT_CHANNELS

INCIDENT: Final = Field(
    default=None,
    description="the event it shares with other alerts: who is inside several of them is told by one",
    examples=["mutha-2026-11-22"],
)

REMIND_AT: Final = Field(
    default=None,
    description=(
        "one reminder to those told, in the same words: after it leaves, not after `onset`, and before `expires`;"
        " void once the message is updated or cancelled; not in a broadcast. Write dates rather than 'tomorrow'"
    ),
)

DRAWN: Final = (
    "GeoJSON, lon, lat: a Polygon or MultiPolygon, a Feature of one, a Feature of a Point whose properties give"
    " `radius_m` (a circle), or a FeatureCollection of such"
)


class TextIn(Body):
    headline: Text
    description: Text
    instruction: Text


Texts = dict[Code, TextIn]


def plain(texts: Texts) -> dict[str, dict[str, str]]:
    """As the rooms take them."""
    return {language: text.model_dump() for language, text in texts.items()}


class AreaIn(Body):
    """Wards, service areas, a drawn shape, or several of them together."""

    wards: list[Code] = Field(default=[], max_length=MAX_WARDS)
    areas: list[Code] = Field(default=[], max_length=MAX_AREAS, description="service areas, by code")
    drawn: dict[str, Any] | None = Field(default=None, description=DRAWN)


class ContentIn(Body):
    severity: Severity
    urgency: Urgency = "Expected"
    certainty: Certainty = "Observed"
    onset: Moment | None = None
    expires: Moment
    texts: Texts
    area: AreaIn
    channels: list[AlertChannel] = Field(default=list(ALERT_CHANNELS))
    send_at: Moment | None = None
    remind_at: Moment | None = REMIND_AT

    def request(self, category: str, *, drill: bool, incident: str | None) -> Request:
        """As the rooms take it."""
        return Request(
            category=category,
            severity=self.severity,
            texts=plain(self.texts),
            expires=self.expires,
            wards=self.area.wards,
            areas=self.area.areas,
            drawn=self.area.drawn,
            urgency=self.urgency,
            certainty=self.certainty,
            onset=self.onset,
            channels=self.channels,
            send_at=self.send_at,
            remind_at=self.remind_at,
            drill=drill,
            incident=incident,
        )


class DraftIn(ContentIn):
    department: Code | None = Field(default=None, description="the actor's own when absent")
    category: Code
    drill: bool = False
    incident: Incident | None = INCIDENT


class EditIn(ContentIn):
    """The whole content anew. Category, drill and incident are fixed; they may be repeated."""

    category: Code | None = None
    drill: bool | None = None
    incident: Incident | None = None


class BroadcastIn(ContentIn):
    category: Code
    drill: bool = False
    incident: Incident | None = INCIDENT
    reason: Prose = Field(description="why this cannot wait for a second officer")
    confirm_empty: bool = Field(default=False, description="send although nobody would be told")


class ApproveIn(Body):
    content_hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="of the content that was read"
    )
    note: Prose = ""
    confirm_empty: bool = Field(
        default=False, description="approve although it leaves by the clock and nobody would be told as things stand"
    )


class NoteIn(Body):
    note: Prose = ""


class SendIn(Body):
    confirm_empty: bool = Field(default=False, description="send although nobody would be told")


class CancelIn(Body):
    texts: Texts
    reason: Prose = ""
