"""Twilio's error codes and message statuses as tables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from geoalert.dispatch.channels.channel import Status, Verdict
from geoalert.dispatch.reasons import Reason

# What creating a message can answer. Creation is not idempotent: a 500 may have sent it (20500).
ERRORS: Mapping[int, tuple[Verdict, Reason]] = MappingProxyType(
    {
        20003: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # authentication failed
        20005: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # account not active
        20404: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # no such account
        20429: (Verdict.RETRY, Reason.RATE_LIMITED),
        20500: (Verdict.UNCERTAIN, Reason.PROVIDER_ERROR),
        20503: (Verdict.RETRY, Reason.PROVIDER_ERROR),
        21211: (Verdict.REFUSED, Reason.INVALID_ADDRESS),  # not a number
        21214: (Verdict.REFUSED, Reason.INVALID_ADDRESS),  # cannot be reached
        21217: (Verdict.REFUSED, Reason.INVALID_ADDRESS),
        21614: (Verdict.REFUSED, Reason.INVALID_ADDRESS),  # not a mobile number
        21610: (Verdict.REFUSED, Reason.STOPPED),
        21408: (Verdict.REFUSED, Reason.UNREACHABLE),  # region not enabled
        21612: (Verdict.REFUSED, Reason.UNREACHABLE),  # no route from this sender
        21212: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # sender is not a number
        21603: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # no sender
        21606: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # sender not ours
        21659: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),
        21701: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # no such messaging service
        21703: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # its sender pool is empty
        21602: (Verdict.MISCONFIGURED, Reason.PAYLOAD),  # no body
        21609: (Verdict.MISCONFIGURED, Reason.PAYLOAD),  # status callback is not an address
        21617: (Verdict.MISCONFIGURED, Reason.PAYLOAD),  # body too long
        21611: (Verdict.RETRY, Reason.RATE_LIMITED),  # the sender's queue is full
        30001: (Verdict.RETRY, Reason.RATE_LIMITED),
        30002: (Verdict.MISCONFIGURED, Reason.CREDENTIAL),  # account suspended
        63016: (Verdict.MISCONFIGURED, Reason.TEMPLATE),
        63018: (Verdict.RETRY, Reason.RATE_LIMITED),
        63021: (Verdict.MISCONFIGURED, Reason.PAYLOAD),
        63038: (Verdict.MISCONFIGURED, Reason.QUOTA),  # the account's daily limit
    }
)

# What `ErrorCode` of an undelivered or failed message means.
FAILURES: Mapping[int, Reason] = MappingProxyType(
    {
        21610: Reason.STOPPED,
        30001: Reason.RATE_LIMITED,
        30002: Reason.CREDENTIAL,
        30003: Reason.UNREACHABLE,
        30004: Reason.UNREACHABLE,  # blocked
        30005: Reason.INVALID_ADDRESS,  # unknown handset
        30006: Reason.INVALID_ADDRESS,  # landline or unreachable carrier
        30007: Reason.TEMPLATE,  # filtered by the carrier; in India mostly DLT scrubbing
        30008: Reason.PROVIDER_ERROR,
        30034: Reason.TEMPLATE,  # sender not registered
        30036: Reason.EXPIRED,  # validity period over
        63016: Reason.TEMPLATE,
    }
)

STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "accepted": Status.ACCEPTED,
        "scheduled": Status.ACCEPTED,
        "queued": Status.ACCEPTED,
        "sending": Status.ACCEPTED,
        "sent": Status.ACCEPTED,
        "delivered": Status.DELIVERED,
        "read": Status.DELIVERED,
        "undelivered": Status.FAILED,
        "failed": Status.FAILED,
        "canceled": Status.FAILED,
    }
)


def failure(code: object) -> Reason:
    """Why a message failed, from Twilio's ErrorCode as a number or its text."""
    text = str(code)
    return FAILURES.get(int(text), Reason.UNREACHABLE) if text.isascii() and text.isdigit() else Reason.UNREACHABLE
