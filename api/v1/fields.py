"""Kinds of field that many bodies share. JSON types are taken as they are: "0" is no number, 1 is no text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from geoalert.alerts.content import ALERT_CHANNELS, CERTAINTIES, OFFSET, URGENCIES
from geoalert.alerts.facts import INCIDENT, read_incident
from geoalert.errors import Invalid
from geoalert.subscribers.codes import LANGUAGES, SEVERITIES

CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MOMENT: Final = "write the time as text, e.g. 2026-11-21T18:00:00+05:30"
YEARS: Final = range(2000, 2200)  # a year's distance from what a clock can hold, whatever the offset


class Body(BaseModel):
    """A request's body: unknown fields are refused, and so is any value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _legible(value: str) -> str:
    if CONTROLS.search(value) or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise ValueError("holds characters that are no text")
    return value


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError(MOMENT)  # noqa: TRY004 - pydantic's way
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError(MOMENT) from None
    if moment.tzinfo is None:
        raise ValueError(OFFSET)
    return moment


def _incident(value: str) -> str:
    try:
        return read_incident(value) or ""
    except Invalid as wrong:
        raise ValueError(wrong.reason) from None


def _near(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError("this year is out of reach")
    return value


def _one_of(known: Iterable[str]) -> tuple[AfterValidator, Any]:
    names = tuple(known)

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return value

    return AfterValidator(check), Field(json_schema_extra={"enum": list(names)})


# Lengths stand first: they are not applied in this order to what a function has looked at.
Text = Annotated[str, AfterValidator(_legible)]
Prose = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_legible)]
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_legible)]
Token = Annotated[str, StringConstraints(max_length=400), AfterValidator(_legible)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_legible)]
Incident = Annotated[str, AfterValidator(_incident), Field(json_schema_extra={"pattern": f"^{INCIDENT.pattern}$"})]
Basis = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True), AfterValidator(_legible)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment, json_schema_input_type=str),
    AfterValidator(_near),
    Field(
        strict=False,
        description="with its offset",
        examples=["2026-11-21T18:00:00+05:30"],
        json_schema_extra={"format": "date-time"},
    ),
]
Severity = Annotated[str, *_one_of(SEVERITIES)]
Urgency = Annotated[str, *_one_of(URGENCIES)]
Certainty = Annotated[str, *_one_of(CERTAINTIES)]
AlertChannel = Annotated[str, *_one_of(ALERT_CHANNELS)]
LanguageCode = Annotated[str, *_one_of(LANGUAGES)]
