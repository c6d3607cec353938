"""Codes in words that a person at the call centre can read out."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.wording import N_, Wording

ROLE: Final = MappingProxyType(
    {
        "inside": N_(
            "a place of theirs lay in the area when it was released, or a ward or square they chose shared ground with"
            " it"
        ),
        "late": N_("they came into its audience after it was released"),
        "told_before": N_("an earlier message of this alert may have reached them, so they hear how it goes on"),
        "not_in_audience": N_("they were not in its audience; which places and wishes they had then is not kept"),
        "subscribed_later": N_("they subscribed after it was released and have not come into its audience since"),
        "never_told": N_("it tells only those who were told, and no earlier message of this alert told them"),
    }
)
ERASED: Final = N_("this person was erased; nothing is known of them any more")
NOTHING_LEFT: Final = N_("nothing of this alert was released, so nobody was told of it")
TOLD_BEFORE: Final = N_(
    "they were told before, so it goes to them by {channels}, wherever their places are now, unless they withdrew"
    " consent or that address since"
)
LEFT_OUT: Final = MappingProxyType(
    {
        "paused": N_("the subscription is paused"),
        "no_consent": N_("there is no consent to alerts of this severity"),
        "category": N_("this category was not chosen"),
        "min_severity": N_("the least severity chosen is above this one"),
        "no_channel": N_("no usable address on a channel of this message"),
        "told_of_event": N_("a live alert of the same event has told them, or is on its way to them"),
        "weekly_budget": N_("they have heard of as many alerts of low severity this week as the city sends one person"),
        "outside": N_("no place lies in the area"),
    }
)
OUTCOME: Final = MappingProxyType(
    {
        Outcome.PENDING: N_("waits to leave"),
        Outcome.HELD: N_("is held back"),
        Outcome.SENDING: N_("is being handed over"),
        Outcome.UNCERTAIN: N_("was handed over and the answer was lost: it may have arrived"),
        Outcome.ACCEPTED: N_("was taken by the provider; that it arrived is not known"),
        Outcome.FAILED: N_("failed"),
        Outcome.DELIVERED: N_("arrived, as the device or carrier says"),
        Outcome.SUPPRESSED: N_("was not sent"),
        Outcome.CANCELLED: N_("was stopped before it left"),
        Outcome.EXPIRED: N_("expired before it left"),
    }
)
REASON: Final = MappingProxyType(
    {
        Reason.QUIET_HOURS: N_("quiet hours"),
        Reason.OPTED_OUT: N_("they opted out, paused or withdrew consent since"),
        Reason.ADDRESS_GONE: N_("the address was removed"),
        Reason.AWAITS_PUBLISHER: N_("the cell has not published it"),
        Reason.UNREADABLE: N_("the stored address could not be read"),
        Reason.UNREGISTERED: N_("the app was removed or its token replaced"),
        Reason.INVALID_ADDRESS: N_("the provider does not know the address"),
        Reason.STOPPED: N_("they told the provider STOP"),
        Reason.UNREACHABLE: N_("the device could not be reached"),
        Reason.SENDER_MISMATCH: N_("the token belongs to another sender"),
        Reason.RATE_LIMITED: N_("the provider asked to slow down"),
        Reason.PROVIDER_ERROR: N_("the provider had a fault"),
        Reason.TIMEOUT: N_("the provider did not answer in time"),
        Reason.CONNECTION_LOST: N_("the connection broke"),
        Reason.NONSENSE: N_("the provider's answer could not be read"),
        Reason.NOT_CONNECTED: N_("the provider could not be reached"),
        Reason.NOT_BEGUN: N_("others were told first"),
        Reason.CREDENTIAL: N_("the provider refused our credential"),
        Reason.TEMPLATE: N_("the provider refused the template"),
        Reason.QUOTA: N_("the provider's quota was used up"),
        Reason.PAYLOAD: N_("the channel cannot carry this text"),
        Reason.CANCELLED: N_("the alert was cancelled"),
        Reason.SUPERSEDED: N_("an update took its place"),
        Reason.EXPIRED: N_("the message expired"),
        Reason.DRILL: N_("a drill goes to no real provider"),
        Reason.WORKER_LOST: N_("a worker stopped while handing over"),
        Reason.NO_PROVIDER: N_("the channel has no provider"),
    }
)
MOVED: Final = N_("used after {channel}: {why}")
FAILED: Final = N_("it failed")
NEXT: Final = MappingProxyType(
    {
        False: N_("another channel was used: this one comes next if that fails"),
        True: N_(
            "another channel was used: this one comes next if that fails, or does not say in time that it arrived"
        ),
    }
)


WOULD_TELL: Final = MappingProxyType(  # by whether it waits for their quiet hours, and whether they were told before
    {
        (False, False): N_("sent now, it would go to them, by {by}"),
        (True, False): N_("sent now, it would go to them after their quiet hours, by {by}"),
        (False, True): N_("sent now, it would go to them, by {by}; also by {also}, by which they were told before"),
        (True, True): N_(
            "sent now, it would go to them after their quiet hours, by {by}; also by {also}, by which they were told"
            " before"
        ),
    }
)
LATE: Final = N_("joined late")
NOT_ITS_CHANNEL: Final = N_("the message does not use this channel")
NO_ADDRESS: Final = MappingProxyType(  # by the state of the best of them
    {
        "none": N_("no usable address now: there is none"),
        "unverified": N_("no usable address now: it was not confirmed"),
        "stopped": N_("no usable address now: they told the provider STOP"),
        "gone": N_("no usable address now: it was removed, or does not work"),
    }
)
NOTHING_FOR_IT: Final = N_("the message holds nothing for it")
CHANNEL: Final = (N_("push"), N_("sms"), N_("post"), N_("whatsapp"), N_("voice"), N_("email"), N_("webpush"))


def outcome_words(say: Wording, outcome: Outcome, reason: Reason) -> str:
    """What is known of a recipient; never more than is known."""
    why = REASON.get(reason)
    return say(OUTCOME[outcome]) if why is None else f"{say(OUTCOME[outcome])}: {say(why)}"


def moved_words(say: Wording, channel: str, cause: Reason, waited: timedelta) -> str:
    """Why somebody goes on by another channel than this one, which had so long."""
    minutes = int(waited.total_seconds() // 60)
    said = say(REASON.get(cause, FAILED))
    if cause is Reason.NOT_CONFIRMED:
        said = say.counted(
            "nothing said within {count} minute that it arrived",
            "nothing said within {count} minutes that it arrived",
            minutes,
        )
    return say(MOVED, channel=say(channel), why=said)
