"""Firebase Cloud Messaging, HTTP v1, and Google's token endpoint."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from geoalert.sandbox.credentials import Credentials
from geoalert.sandbox.faults import Mischief, share
from geoalert.sandbox.inbox import Inbox
from geoalert.sandbox.phones import Phones

_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCE = "https://oauth2.googleapis.com/token"  # what google-auth writes, whatever the address
_LIFE = 3600  # seconds
_LIMIT = 4096  # bytes of notification and data
_TARGETS = frozenset({"token", "fid", "topic", "condition"})
_FIELDS = _TARGETS | {"name", "data", "notification", "android", "webpush", "apns", "fcm_options"}
_DURATION = re.compile(r"[0-9]+(\.[0-9]{1,9})?s", re.ASCII)

# status -> (google.rpc status, FCM errorCode); an empty code has no FcmError among the details
CODES = MappingProxyType(
    {
        400: ("INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        401: ("UNAUTHENTICATED", ""),
        403: ("PERMISSION_DENIED", ""),
        404: ("NOT_FOUND", ""),
        429: ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        500: ("INTERNAL", "INTERNAL"),
        503: ("UNAVAILABLE", "UNAVAILABLE"),
    }
)


@lru_cache(maxsize=1)
def _public(private: str) -> rsa.RSAPublicKey:
    """The public half of a PEM; reading one takes 33 ms, for its primes are looked at."""
    key = serialization.load_pem_private_key(private.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the service account's key is not RSA")
    return key.public_key()


@dataclass(repr=False)
class Fcm:
    credentials: Credentials
    inbox: Inbox
    mischief: Mischief
    phones: Phones
    tokens: dict[str, float] = field(default_factory=dict)  # access token -> monotonic end
    last: dict[str, object] = field(default_factory=dict)  # the newest message, as it came
    _key: rsa.RSAPublicKey = field(init=False)

    def __post_init__(self) -> None:
        self._key = _public(self.credentials.service_account["private_key"])

    def routes(self) -> list[web.RouteDef]:
        guard = self.mischief.guard
        self.mischief.bodies |= {"fcm": error_body, "oauth": lambda _: {"error": "internal_failure"}}
        return [
            web.post("/token", guard("oauth", self.grant)),
            web.post("/v1/projects/{project}/messages:send", guard("fcm", self.send)),
        ]

    async def grant(self, request: web.Request) -> web.Response:
        """A token for a signed assertion (RFC 7523)."""
        form = await request.post()
        if form.get("grant_type") != _GRANT or not self._signed(str(form.get("assertion", ""))):
            return web.json_response({"error": "invalid_grant", "error_description": "Invalid JWT"}, status=400)
        token = secrets.token_urlsafe(32)
        self.tokens[token] = time.monotonic() + _LIFE
        return web.json_response({"access_token": token, "expires_in": _LIFE - 1, "token_type": "Bearer"})

    def _signed(self, assertion: str) -> bool:
        try:
            head, claims, signature = assertion.split(".")
            self._key.verify(_unbase64(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
            header, claim = json.loads(_unbase64(head)), json.loads(_unbase64(claims))
        except (ValueError, InvalidSignature):
            return False
        account = self.credentials.service_account
        return bool(
            header.get("alg") == "RS256"
            and claim.get("iss") == account["client_email"]
            and claim.get("aud") in {_AUDIENCE, account["token_uri"]}
            and claim.get("exp", 0) > time.time()
            and _SCOPE in str(claim.get("scope", "")).split()
        )

    async def send(self, request: web.Request) -> web.Response:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(bearer, 0.0) < time.monotonic():
            return error(401)
        project = request.match_info["project"]
        if project != self.credentials.project:
            return error(403)
        try:
            body = json.loads(await request.read())
            message = body["message"]
            wrong = _wrong(message)
        except (ValueError, TypeError, KeyError, AttributeError):
            wrong, message = "message", {}
        if wrong:
            return error(400, wrong)
        if body.get("validate_only") is True:
            return web.json_response({"name": f"projects/{project}/messages/fake_message_id"})
        self.last = message
        return self._hand_over(message, project)

    def _hand_over(self, message: dict[str, dict[str, str]], project: str) -> web.Response:
        address = str(message.get("token") or message.get("fid") or message.get("topic"))
        if address.startswith("mismatch"):
            return error(403, code="SENDER_ID_MISMATCH")
        if address.startswith("invalid"):
            return error(400, "message.token" if "token" in message else "message.fid")
        gone = self.mischief.faults.unregistered
        if address.startswith("unregistered") or (gone and share("unregistered", address) < gone):
            return error(404, code="UNREGISTERED")
        data, notification = message.get("data", {}), message.get("notification", {})
        android: dict[str, object] = dict(message.get("android", {}))
        options = android.get("notification")
        tag = str(options.get("tag", "")) if isinstance(options, dict) else ""
        told = self.inbox.message(
            data.get("message", ""),
            "push",
            alert=data.get("alert", ""),
            language=data.get("language", ""),
            title=notification.get("title", ""),
            text=notification.get("body", ""),
        )
        self.phones.show(told, address, tag, data.get("message", ""), data.get("ref", ""))
        return web.json_response({"name": f"projects/{project}/messages/0:{secrets.token_hex(12)}"})


def error_body(status: int, where: str = "", code: str = "") -> dict[str, object]:
    """Google's error, with FCM's own code among the details."""
    rpc, usual = CODES.get(status, ("UNKNOWN", ""))
    details: list[dict[str, object]] = []
    if code or usual:
        details.append({"@type": _FCM_ERROR, "errorCode": code or usual})
    if where:
        violation = {"field": where, "description": f"Invalid value at '{where}'"}
        details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
    return {"error": {"code": status, "message": f"{code or rpc}.", "status": rpc, "details": details}}


def error(status: int, where: str = "", code: str = "") -> web.Response:
    return web.json_response(error_body(status, where, code), status=status)


def _wrong(message: dict[str, object]) -> str:
    """The first field FCM would refuse; empty where there is none."""
    if unknown := set(message) - _FIELDS:
        return f"message.{min(unknown)}"
    if len(_TARGETS & set(message)) != 1:
        return "message"
    data, notification, android = (message.get(name, {}) for name in ("data", "notification", "android"))
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        return "message.data"
    if len(json.dumps([data, notification], ensure_ascii=False).encode()) > _LIMIT:
        return "message.notification"
    if not isinstance(android, dict) or not _DURATION.fullmatch(str(android.get("ttl", "1s"))):
        return "message.android.ttl"
    return ""


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
