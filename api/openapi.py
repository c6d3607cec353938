"""The API's description of itself: refusals under their own media type."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.problem import MEDIA_TYPE

REFUSED = 400


def describe(app: FastAPI) -> None:
    """Makes the document once, when it is first asked for."""
    plain = app.openapi

    def document() -> dict[str, Any]:
        made: dict[str, Any] = plain()
        for path in made["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    content = answer.get("content", {})
                    if status.isdecimal() and int(status) >= REFUSED and "application/json" in content:
                        content[MEDIA_TYPE] = content.pop("application/json")
        return made

    app.openapi = document  # type: ignore[method-assign]  # the way the framework documents
