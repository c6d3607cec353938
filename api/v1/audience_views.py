"""What a preview asks and answers."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.v1.alert_bodies import INCIDENT, AreaIn, Texts, plain
from api.v1.fields import AlertChannel, Body, Code, Incident, Moment, Severity
from geoalert.alerts.content import ALERT_CHANNELS
from geoalert.operations.preview import Asked

ASKED: Final[dict[str, Any]] = {
    "area": {"wards": ["kothrud-bavdhan"]},
    "category": "water-supply",
    "severity": "Moderate",
    "channels": ["push", "sms"],
    "texts": {
        "en": {
            "headline": "No water on Thursday",
            "description": "Work at Parvati.",
            "instruction": "Store water on Wednesday.",
        }
    },
}
ANSWERED: Final[dict[str, Any]] = {
    "people": 3,
    "inside": 4,
    "held": 1,
    "may_be_affected": 1,
    "told_before": 0,
    "suppressed": {
        "paused": 0,
        "no_consent": 1,
        "category": 0,
        "min_severity": 0,
        "no_channel": 0,
        "told_of_event": 0,
        "weekly_budget": 0,
    },
    "by_channel": {"push": {"mr": 1}, "sms": {"mr": 2}},
    "by_office": [
        {
            "office_code": "kothrud-bavdhan",
            "office": "Kothrud-Bavdhan",
            "channel": "push",
            "language": "mr",
            "people": 1,
        },
        {
            "office_code": "kothrud-bavdhan",
            "office": "Kothrud-Bavdhan",
            "channel": "sms",
            "language": "mr",
            "people": 2,
        },
    ],
    "segments": {"mr": 1, "hi": 1, "en": 1},
    "estimated_cost_rupees": 0.3,
    "expected_minutes": {"push": 1, "sms": 1},
    "rounded": False,
    "widened": False,
    "without_margin": False,
    "at_most": {"push": {"mr": 1}, "sms": {"mr": 3}},
    "cost_at_most_rupees": 0.45,
}


class PreviewIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [ASKED]})

    area: AreaIn
    category: Code
    severity: Severity
    channels: list[AlertChannel] = Field(default=list(ALERT_CHANNELS), min_length=1)
    texts: Texts | None = Field(default=None, description="counted into segments and cost; without them both are null")
    drill: bool = Field(default=False, description="a drill may aim at illustrative service areas")
    incident: Incident | None = INCIDENT
    onset: Moment | None = Field(default=None, description="with `expires`: what alerts of the incident must cover")
    expires: Moment | None = None
    alert: UUID | None = Field(default=None, strict=False, description="of which this would be an update")

    def asked(self) -> Asked:
        """As the rooms take it."""
        return Asked(
            category=self.category,
            severity=self.severity,
            channels=self.channels,
            wards=self.area.wards,
            areas=self.area.areas,
            drawn=self.area.drawn,
            texts=None if self.texts is None else plain(self.texts),
            drill=self.drill,
            incident=self.incident,
            onset=self.onset,
            expires=self.expires,
            alert=None if self.alert is None else str(self.alert),
        )


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OfficeRowView(_View):
    """Each person inside stands under one office. `elsewhere`: outside of all, or known only by a zone or a cell."""

    office_code: str | None
    office: str
    channel: str
    language: str
    people: int


class PreviewView(_View):
    """`people` are distinct persons, held included; `inside` also counts those the rules leave out."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [ANSWERED]})

    people: int
    inside: int
    held: int = Field(description="of `people`, those told after their quiet hours")
    may_be_affected: int = Field(description="of `people`, those known only by a ward or a rounded cell")
    told_before: int = Field(
        description="of `people`, those an update goes to only because they were told before; under no office"
    )
    suppressed: dict[str, int] = Field(description="inside and not told, by the first reason that holds")
    by_channel: dict[str, dict[str, int]] = Field(description="by the channel each begins with; Extreme: by all theirs")
    by_office: list[OfficeRowView]
    segments: dict[str, int] | None = Field(description="of an SMS by language; null without texts or provider")
    estimated_cost_rupees: float | None = Field(description="null without texts or where a channel has no provider")
    expected_minutes: dict[str, int | None] = Field(description="by channel, rounded up; null without a provider")
    rounded: bool = Field(description="every figure is rounded to the nearest 10")
    widened: bool = Field(description="counted on whole squares of the map")
    without_margin: bool = Field(
        description="a Severe or Extreme message also reaches those close around its wards, who are not counted here"
    )
    at_most: dict[str, dict[str, int]] = Field(
        description="as `by_channel`, if everybody had to go on to every channel they have: how many will is not known"
    )
    cost_at_most_rupees: float | None = Field(description="of `at_most`; null as `estimated_cost_rupees`")
