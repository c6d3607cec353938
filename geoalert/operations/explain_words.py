"""Codes in words that a person at the call centre can read out."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason

ROLE: Final = MappingProxyType(
    {
        "inside": "a place of theirs lay in the area when it was released",
        "late": "they came into its audience after it was released",
        "told_before": "an earlier message of this alert may have reached them, so they hear how it goes on",
        "not_in_audience": "they were not in its audience; which places and wishes they had then is not kept",
        "subscribed_later": "they subscribed after it was released",
        "never_told": "it tells only those who were told, and no earlier message of this alert told them",
    }
)
TOLD_BEFORE: Final = (
    "they were told before, so it goes to them by {channels}, wherever their places are now, unless they withdrew"
    " consent or that address since"
)
LEFT_OUT: Final = MappingProxyType(
    {
        "paused": "the subscription is paused",
        "no_consent": "there is no consent to alerts of this severity",
        "category": "this category was not chosen",
        "min_severity": "the least severity chosen is above this one",
        "no_channel": "no usable address on a channel of this message",
        "told_of_event": "a live alert of the same event has told them, or is on its way to them",
        "weekly_budget": "they have heard of as many alerts of low severity this week as the city sends one person",
        "outside": "no place lies in the area",
    }
)
OUTCOME: Final = MappingProxyType(
    {
        Outcome.PENDING: "waits to leave",
        Outcome.HELD: "is held back",
        Outcome.SENDING: "is being handed over",
        Outcome.UNCERTAIN: "was handed over and the answer was lost: it may have arrived",
        Outcome.ACCEPTED: "was taken by the provider; that it arrived is not known",
        Outcome.FAILED: "failed",
        Outcome.DELIVERED: "arrived, as the device or carrier says",
        Outcome.SUPPRESSED: "was not sent",
        Outcome.CANCELLED: "was stopped before it left",
        Outcome.EXPIRED: "expired before it left",
    }
)
REASON: Final = MappingProxyType(
    {
        Reason.QUIET_HOURS: "quiet hours",
        Reason.OPTED_OUT: "they opted out, paused or withdrew consent since",
        Reason.ADDRESS_GONE: "the address was removed",
        Reason.AWAITS_PUBLISHER: "the cell has not published it",
        Reason.UNREADABLE: "the stored address could not be read",
        Reason.UNREGISTERED: "the app was removed or its token replaced",
        Reason.INVALID_ADDRESS: "the provider does not know the address",
        Reason.STOPPED: "they told the provider STOP",
        Reason.UNREACHABLE: "the device could not be reached",
        Reason.SENDER_MISMATCH: "the token belongs to another sender",
        Reason.RATE_LIMITED: "the provider asked to slow down",
        Reason.PROVIDER_ERROR: "the provider had a fault",
        Reason.TIMEOUT: "the provider did not answer in time",
        Reason.CONNECTION_LOST: "the connection broke",
        Reason.NONSENSE: "the provider's answer could not be read",
        Reason.NOT_CONNECTED: "the provider could not be reached",
        Reason.NOT_BEGUN: "others were told first",
        Reason.CREDENTIAL: "the provider refused our credential",
        Reason.TEMPLATE: "the provider refused the template",
        Reason.QUOTA: "the provider's quota was used up",
        Reason.PAYLOAD: "the channel cannot carry this text",
        Reason.CANCELLED: "the alert was cancelled",
        Reason.SUPERSEDED: "an update took its place",
        Reason.EXPIRED: "the message expired",
        Reason.DRILL: "a drill goes to no real provider",
        Reason.WORKER_LOST: "a worker stopped while handing over",
        Reason.NO_PROVIDER: "the channel has no provider",
    }
)
MOVED: Final = "used after {channel}: {why}"
NOT_CONFIRMED: Final = "nothing said within {minutes} that it arrived"
FAILED: Final = "it failed"
NEXT: Final = MappingProxyType(
    {
        False: "another channel was used: this one comes next if that fails",
        True: "another channel was used: this one comes next if that fails, or does not say in time that it arrived",
    }
)


def outcome_words(outcome: Outcome, reason: Reason) -> str:
    """What is known of a recipient; never more than is known."""
    why = REASON.get(reason)
    return OUTCOME[outcome] if why is None else f"{OUTCOME[outcome]}: {why}"


def moved_words(channel: str, cause: Reason, waited: timedelta) -> str:
    """Why somebody goes on by another channel than this one, which had so long."""
    minutes = int(waited.total_seconds() // 60)
    unit = "minute" if minutes == 1 else "minutes"
    said = NOT_CONFIRMED.format(minutes=f"{minutes} {unit}") if cause is Reason.NOT_CONFIRMED else None
    return MOVED.format(channel=channel, why=said or REASON.get(cause, FAILED))
