"""Credentials that live as long as a sandbox: made at run time, handed on in a file beside it, never in one of ours."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from geoalert.errors import Unavailable

PROJECT = "geoalert-sandbox"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Plain values, so that `dataclasses.asdict` can hand them to another process as JSON."""

    base_url: str
    service_account: dict[str, str] = field(repr=False)
    twilio_account: str
    twilio_token: str = field(repr=False)
    twilio_sender: str
    mastodon_tokens: dict[str, str] = field(repr=False)

    @property
    def project(self) -> str:
        return self.service_account["project_id"]

    @property
    def fcm_endpoint(self) -> str:
        return f"{self.base_url}/v1/projects"


def sandbox_credentials(base_url: str, *, handles: Iterable[str] = ("pune",), key_bits: int = 2048) -> Credentials:
    """Fresh credentials for a sandbox at `base_url`, with one Mastodon account for each handle."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=key_bits)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Credentials(
        base_url=base_url,
        service_account={
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": secrets.token_hex(20),
            "private_key": pem.decode(),
            "client_email": f"push@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{base_url}/token",
        },
        twilio_account=f"AC{secrets.token_hex(16)}",
        twilio_token=secrets.token_hex(16),
        twilio_sender="+15005550006",
        mastodon_tokens={handle: secrets.token_urlsafe(24) for handle in handles},
    )


def write_credentials(path: Path, credentials: Credentials) -> None:
    """Hands a sandbox's credentials to the processes that use it; readable by the owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(asdict(credentials), out)


def read_credentials(path: Path) -> Credentials:
    """What a sandbox wrote.

    Raises:
        Unavailable: no such file, or not one of a sandbox.
    """
    try:
        return Credentials(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        raise Unavailable(f"{path} holds no sandbox credentials; start `geoalert sandbox` first") from None
