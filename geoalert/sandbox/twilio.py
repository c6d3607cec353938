"""Twilio's Messages, 2010-04-01: create, list, and signed status callbacks."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from urllib.parse import urlencode, urlsplit

from aiohttp import encode_basic_auth, web

from geoalert.sandbox.credentials import Credentials
from geoalert.sandbox.faults import Mischief, share
from geoalert.sandbox.inbox import Inbox, Told, digest
from geoalert.sandbox.outbound import Call, Outbound

_FORM = "application/x-www-form-urlencoded"
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_PARAMETERS = frozenset({
    "To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod", "SmartEncoded",
})  # fmt: skip
_LONGEST_BODY = 1600
_LONGEST_VALIDITY = 36_000
_LARGEST_PAGE = 1000
_UNREACHABLE = 30003

# Twilio's own test numbers, and what they answer.
MAGIC: Mapping[str, int] = MappingProxyType(
    {
        "+15005550001": 21211,
        "+15005550002": 21612,
        "+15005550003": 21408,
        "+15005550004": 21610,
        "+15005550009": 21614,
    }
)
CODES: Mapping[int, int] = MappingProxyType({401: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503})


@dataclass(slots=True)
class Sms:
    sid: str
    to: str
    sender: str
    service: str
    body: str
    callback: str
    created: datetime
    status: str
    told: Told
    error: int | None = None
    sent: datetime | None = None


@dataclass(repr=False)
class Twilio:
    credentials: Credentials
    inbox: Inbox
    mischief: Mischief
    outbound: Outbound
    by_number: dict[str, list[Sms]] = field(default_factory=dict)
    balance: float = 100.0

    def routes(self) -> list[web.RouteDef]:
        self.mischief.bodies["twilio"] = lambda status: error_body(CODES.get(status, 20001), status)
        guard = self.mischief.guard
        path = "/2010-04-01/Accounts/{account}/Messages.json"
        return [
            web.post(path, guard("twilio", self.create)),
            web.get(path, guard("twilio", self.listing)),
            web.get("/2010-04-01/Accounts/{account}/Balance.json", guard("twilio", self.money)),
        ]

    async def money(self, request: web.Request) -> web.Response:
        """What is left on the account."""
        if (refusal := self._stranger(request)) is not None:
            return refusal
        account = self.credentials.twilio_account
        return web.json_response({"account_sid": account, "balance": f"{self.balance:.2f}", "currency": "USD"})

    async def create(self, request: web.Request) -> web.Response:
        if (refusal := self._stranger(request)) is not None:
            return refusal
        form = {name: str(value) for name, value in (await request.post()).items()}
        if code := _wrong(form):
            return error(code, 400)
        status = "accepted" if form.get("MessagingServiceSid") else "queued"
        told = self.inbox.message(
            f"sms:{digest(form['Body'])}", "sms", alert="", language="", title="", text=form["Body"]
        )
        sms = Sms(
            sid=f"SM{secrets.token_hex(16)}",
            to=form["To"],
            sender=form.get("From", self.credentials.twilio_sender),
            service=form.get("MessagingServiceSid", ""),
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
            created=datetime.now(UTC),
            status=status,
            told=told,
        )
        self.by_number.setdefault(sms.to, []).append(sms)
        self.inbox.arrived(told, sms.to, "new")
        answer = web.json_response(_resource(sms, self.credentials.twilio_account), status=201)
        self._progress(sms)
        return answer

    async def listing(self, request: web.Request) -> web.Response:
        """Newest first, narrowed by To and DateSent, in pages."""
        if (refusal := self._stranger(request)) is not None:
            return refusal
        query = request.query
        size = min(int(query.get("PageSize", "50")), _LARGEST_PAGE)
        page = int(query.get("Page", "0"))
        found = self._matching(query)
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        following = urlencode({**query, "Page": page + 1, "PageSize": size})
        return web.json_response(
            {
                "messages": [_resource(sms, self.credentials.twilio_account) for sms in shown],
                "page": page,
                "page_size": size,
                "uri": request.path_qs,
                "next_page_uri": f"{request.path}?{following}" if more else None,
            }
        )

    def _matching(self, query: Mapping[str, str]) -> list[Sms]:
        numbers = [query["To"]] if "To" in query else list(self.by_number)
        found = [sms for number in numbers for sms in self.by_number.get(number, ())]
        for name, keep in _DATE_FILTERS.items():
            if name in query:
                bound = query[name][:10]
                found = [sms for sms in found if sms.sent and keep(sms.sent.date().isoformat(), bound)]
        return sorted(found, key=lambda sms: sms.created, reverse=True)

    def _stranger(self, request: web.Request) -> web.Response | None:
        account = self.credentials.twilio_account
        expected = encode_basic_auth(account, self.credentials.twilio_token)
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
            return error(20003, 401)
        return None if request.match_info["account"] == account else error(20404, 404)

    def _progress(self, sms: Sms) -> None:
        """Moves the message to its end, and tells the callback of each step."""
        faults = self.mischief.faults
        failed = bool(faults.undelivered) and share("undelivered", sms.to) < faults.undelivered
        end = "undelivered" if failed else "delivered"
        sms.status, sms.sent, sms.error = end, datetime.now(UTC), _UNREACHABLE if failed else None
        sms.told.outcomes[end] += 1
        if not sms.callback:
            return
        steps = ["queued", "sent", end]
        if share("disordered", sms.sid) < faults.disordered:
            steps.reverse()
        if share("duplicated", sms.sid) < faults.duplicated:
            steps.append(end)
        self.outbound.post(*(self._callback(sms, step) for step in steps))

    def _callback(self, sms: Sms, status: str) -> Call:
        form = {
            "AccountSid": self.credentials.twilio_account,
            "ApiVersion": "2010-04-01",
            "From": sms.sender,
            "MessageSid": sms.sid,
            "MessageStatus": status,
            "SmsSid": sms.sid,
            "SmsStatus": status,
            "To": sms.to,
        }
        if sms.error is not None and status == "undelivered":
            form["ErrorCode"] = str(sms.error)
        signature = sign(self.credentials.twilio_token, sms.callback, form)
        return Call(sms.callback, urlencode(form).encode(), {"Content-Type": _FORM, "X-Twilio-Signature": signature})


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the address and the sorted parameters."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def error_body(code: int, status: int) -> dict[str, object]:
    return {
        "code": code,
        "message": f"Sandbox error {code}.",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def error(code: int, status: int) -> web.Response:
    return web.json_response(error_body(code, status), status=status)


_DATE_FILTERS: Mapping[str, Callable[[str, str], bool]] = {
    "DateSent": lambda sent, bound: sent == bound,
    "DateSent>": lambda sent, bound: sent >= bound,
    "DateSent<": lambda sent, bound: sent <= bound,
}


def _wrong(form: Mapping[str, str]) -> int:
    """Twilio's code for the first thing wrong with a request; 0 where there is none."""
    period = form.get("ValidityPeriod", "1")
    callback = urlsplit(form.get("StatusCallback", "http://host"))
    checks = (
        (bool(set(form) - _PARAMETERS), 20001),
        (not form.get("To"), 21604),
        (not _PHONE.fullmatch(form.get("To", "")), 21211),
        (not form.get("From") and not form.get("MessagingServiceSid"), 21603),
        (not form.get("Body"), 21602),
        (len(form.get("Body", "")) > _LONGEST_BODY, 21617),
        (not period.isascii() or not period.isdigit() or not 1 <= int(period) <= _LONGEST_VALIDITY, 20001),
        (callback.scheme not in {"http", "https"} or not callback.hostname, 21609),
    )
    return next((code for wrong, code in checks if wrong), MAGIC.get(form.get("To", ""), 0))


def _resource(sms: Sms, account: str) -> dict[str, object]:
    created = format_datetime(sms.created)
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": sms.body,
        "date_created": created,
        "date_sent": format_datetime(sms.sent) if sms.sent else None,
        "date_updated": created,
        "direction": "outbound-api",
        "error_code": sms.error,
        "error_message": None,
        "from": sms.sender,
        "messaging_service_sid": sms.service or None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": sms.sid,
        "status": sms.status,
        "subresource_uris": {},
        "to": sms.to,
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sms.sid}.json",
    }
