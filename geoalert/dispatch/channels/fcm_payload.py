"""The FCM payload of a notice: built once by pyfcm, then cut where a recipient's own values go."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from google.auth.credentials import Credentials
from pyfcm import FCMNotification

from geoalert.dispatch.channels.channel import Notice
from geoalert.errors import Invalid
from geoalert.subscribers.codes import EMERGENCIES

# Marks no text may hold; what stands between them is spliced in per chunk (ttl) or per recipient.
_TTL, _REF, _ADDRESS = "\ufffettl\uffff", "\uffferef\uffff", "\ufffeaddress\uffff"
_COLLAPSE_LIMIT = 64  # bytes, APNs
_LONGEST_TTL = 28 * 86_400
FIELDS = {"token": b'"token":', "installation": b'"fid":'}


@dataclass(frozen=True, slots=True)
class Template:
    """A request body with three gaps, in this order: ttl, ref, address with its field name."""

    before_ttl: bytes
    before_ref: bytes
    before_address: bytes
    end: bytes

    @property
    def size(self) -> int:
        return len(self.before_ttl) + len(self.before_ref) + len(self.before_address) + len(self.end)

    def lasting(self, seconds: float) -> tuple[bytes, bytes, bytes]:
        """The template for a chunk, its time to live filled in."""
        ttl = f'"{int(min(max(seconds, 0), _LONGEST_TTL))}s"'.encode()
        return self.before_ttl + ttl + self.before_ref, self.before_address, self.end


class PayloadBuilder(FCMNotification):  # type: ignore[misc]  # pyfcm ships no types
    """pyfcm as payload builder and holder of credentials. Its own senders are never used: they retry and sleep."""

    def __init__(self, credentials: Credentials, project: str, endpoint: str) -> None:
        super().__init__(credentials=credentials, project_id=project)
        self.FCM_END_POINT_BASE = endpoint

    def template(self, notice: Notice, title: str, body: str) -> Template:
        """Shows the same on Android and iOS, and replaces an earlier message of the same alert there."""
        collapse, urgent = collapse_id(notice.alert), notice.severity in EMERGENCIES
        aps: dict[str, object] = {"sound": "default", "thread-id": collapse}
        if urgent:
            aps["interruption-level"] = "time-sensitive"
        raw: bytes = self.parse_payload(
            fcm_token=_ADDRESS,
            notification_title=title,
            notification_body=body,
            data_payload=data(notice) | {"ref": _REF},
            android_config={
                "collapse_key": collapse,
                "priority": "high" if urgent else "normal",
                "ttl": _TTL,
                "notification": {"tag": collapse, "sound": "default"},
            },
            apns_config={
                "headers": {
                    "apns-collapse-id": collapse,
                    "apns-expiration": str(int(notice.expires.timestamp())),
                    "apns-priority": "10" if urgent else "5",
                },
                "payload": {"aps": aps},
            },
        )
        return _cut(raw)


def data(notice: Notice) -> dict[str, str]:
    """What the app reads beside the notification it shows."""
    drill = {"drill": "true"} if notice.drill else {}
    return drill | {
        "alert": notice.alert,
        "message": notice.message,
        "revision": str(notice.revision),
        "msg_type": notice.msg_type,
        "language": notice.language,
        "category": notice.category,
        "severity": notice.severity,
        "expires": notice.expires.isoformat(),
        "link": notice.link,
    }


def collapse_id(alert: str) -> str:
    """The alert's identifier, or its digest where APNs would refuse the length."""
    raw = alert.encode()
    return alert if len(raw) <= _COLLAPSE_LIMIT else hashlib.sha256(raw).hexdigest()


def quoted(value: str) -> bytes:
    return json.dumps(value).encode()


def _cut(raw: bytes) -> Template:
    gaps = (f'"{_TTL}"', f'"{_REF}"', f'"token":"{_ADDRESS}"')
    parts: list[bytes] = []
    rest = raw
    for gap in gaps:
        part, found, rest = rest.partition(gap.encode())
        if not found or gap.encode() in rest:
            raise Invalid("The text holds characters no channel can carry.", pointer="/description")
        parts.append(part)
    before_ttl, before_ref, before_address = parts
    return Template(before_ttl, before_ref, before_address, rest)
