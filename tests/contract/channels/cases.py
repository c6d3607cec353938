"""The channels under contract, each with what the suite needs to know of it, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from geoalert.dispatch.channels import Channel, Chunk, Delivery, Notice
from geoalert.dispatch.channels.log import LogChannel
from geoalert.dispatch.channels.post_mastodon import MastodonPost
from geoalert.dispatch.channels.push_fcm import FcmPush
from geoalert.dispatch.channels.sms_twilio import TwilioSms
from geoalert.dispatch.reasons import Reason
from geoalert.sandbox import Credentials
from geoalert.sandbox.app import Sandbox

NOW = datetime.now(UTC).replace(microsecond=0)
PATIENT, SHORT = 5.0, 0.8  # seconds: for what must be answered, and for what will not be
HANDLES = tuple(f"ward{number}" for number in range(10))
CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens there
CALLBACK = "http://127.0.0.1:9/v1/hooks/twilio/secret"

NOTICE = Notice(
    alert="pmc-2026-0042",
    message="pmc-2026-0042-m1",
    revision=1,
    msg_type="Alert",
    language="mr-IN",
    category="water",
    severity="Severe",
    headline="पाणीपुरवठा बंद",
    description="उद्या सकाळी सहा ते रात्री दहा वाजेपर्यंत कोथरूडमध्ये पाणी येणार नाही.",
    instruction="आज पाणी साठवून ठेवा.",
    expires=NOW + timedelta(hours=3),
    link="https://alerts.pune.example/a/42",
)


def fcm(credentials: Credentials, endpoint: str, deadline: float = PATIENT, in_flight: int = 64) -> Channel:
    return FcmPush(
        credentials.service_account, endpoint=f"{endpoint}/v1/projects", deadline=deadline, in_flight=in_flight
    )


def twilio(credentials: Credentials, endpoint: str, deadline: float = PATIENT, in_flight: int = 32) -> Channel:
    return TwilioSms(
        credentials.twilio_account,
        credentials.twilio_token,
        credentials.twilio_sender,
        CALLBACK,
        endpoint=endpoint,
        price=0.25,
        deadline=deadline,
        in_flight=in_flight,
    )


def mastodon(credentials: Credentials, endpoint: str, deadline: float = PATIENT, in_flight: int = 2) -> Channel:
    return MastodonPost(endpoint, credentials.mastodon_tokens, deadline=deadline, in_flight=in_flight)


def dry_run(_: Credentials, __: str, ___: float = PATIENT, ____: int = 1) -> Channel:
    return LogChannel("sms")


def newest(sandbox: Sandbox) -> str:
    return list(sandbox.inbox.told.values())[-1].text


@dataclass(frozen=True)
class Case:
    """`received` is the text a person reads, as the sandbox got it; `refused` one recipient and its reason."""

    provider: str  # as the sandbox's script calls it
    kind: str
    address: Callable[[int], str]
    make: Callable[[Credentials, str, float, int], Channel]
    received: Callable[[Sandbox], str]
    refused: tuple[str, Reason] | None = None

    def channel(self, sandbox: Sandbox, deadline: float = PATIENT, in_flight: int = 2) -> Channel:
        return self.make(sandbox.credentials, sandbox.credentials.base_url, deadline, in_flight)

    def deliveries(self, count: int) -> list[Delivery]:
        return [
            Delivery(self.address(number), self.kind, f"7.{number}.mac", f"key-{number}") for number in range(count)
        ]


FCM = Case(
    "fcm",
    "token",
    lambda number: f"device-{number}",
    fcm,
    lambda sandbox: f"{list(sandbox.inbox.told.values())[-1].title}\n\n{newest(sandbox)}",
    ("unregistered-1", Reason.UNREGISTERED),
)
TWILIO = Case(
    "twilio",
    "phone",
    lambda number: f"+9198220{number:05d}",
    twilio,
    newest,
    refused=("+15005550004", Reason.STOPPED),
)
MASTODON = Case("mastodon", "handle", lambda number: HANDLES[number], mastodon, newest)
LOG = Case("log", "phone", lambda number: f"+9198220{number:05d}", dry_run, newest)

WIRED = (FCM, TWILIO, MASTODON)
ALL = (*WIRED, LOG)


def chunk(channel: Channel, deliveries: list[Delivery], notice: Notice = NOTICE) -> Chunk:
    return Chunk(channel.prepare(notice), deliveries, notice.expires, NOW)


def worded(headline: str, description: str, instruction: str) -> Notice:
    return replace(NOTICE, headline=headline, description=description, instruction=instruction)
