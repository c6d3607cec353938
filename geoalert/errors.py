"""Refusals: every way geoalert says no, as one tree.

Refusal
├── Invalid        the input is wrong: names the field (JSON pointer) and the reason
├── NotFound       no such thing
├── Unauthorised   no credential, or one that is not valid
├── Forbidden      a valid credential without the right
├── Conflict       the thing is not in a state that allows this
└── Unavailable    something outside is missing or busy; trying later may help
    └── Outdated   the store is of another schema than this program: nothing is written, and who stays must stop

A refusal is meant for a person: its words say what to do. One table in `api/errors.py` maps it to RFC 9457.
"""

from __future__ import annotations

from typing import Final

OF_OURS: Final = "Value error, "  # what pydantic puts before a reason that is our own words


class Refusal(Exception):  # noqa: N818 - "refusal" is the product's word
    """A clear no. `reason` never holds a phone number, token or location."""

    def __init__(self, reason: str, *, pointer: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = pointer


class Invalid(Refusal):
    """The input is wrong at `pointer` (RFC 6901), for `reason`."""


class NotFound(Refusal):
    """No such thing."""


class Unauthorised(Refusal):
    """No credential, or one that is not valid."""


class Forbidden(Refusal):
    """A valid credential without the right."""


class Conflict(Refusal):
    """The thing is not in a state that allows this."""


class Unavailable(Refusal):
    """Something outside is missing or busy; trying later may help."""


class Outdated(Unavailable):
    """The store is of another schema than this program's; only another program, or an upgrade, helps."""
