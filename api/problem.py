"""A no, as RFC 9457 asks for it. `instance` names this one occurrence; a log line about it carries the same name."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel, Field

MEDIA_TYPE: Final = "application/problem+json"
LONGEST: Final = 400  # characters of a pointer or detail that may hold what the caller sent


class FieldError(BaseModel):
    pointer: str = Field(description="RFC 6901, into the body; the parameter's name where it stood in the address")
    detail: str


class Problem(BaseModel):
    """What went wrong, and where."""

    type: str = Field(default="about:blank", description="the status says it all")
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] = Field(default_factory=list)


class ProblemResponse(Response):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - the framework's signature
        # A caller's broken text (half a surrogate pair) may stand in a pointer; it must not break the answer.
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    instance: str = "",
) -> ProblemResponse:
    """The answer for this status."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail[:LONGEST],
        instance=instance or occurrence(),
        errors=[FieldError(pointer=error.pointer[:LONGEST], detail=error.detail[:LONGEST]) for error in errors],
    )
    return ProblemResponse(body.model_dump(), status, dict(headers or {}))


def occurrence() -> str:
    """A fresh name for one occurrence."""
    return uuid.uuid4().urn


def pointer_to(path: Sequence[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route documents its refusals; `api.openapi` gives them their media type."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}
