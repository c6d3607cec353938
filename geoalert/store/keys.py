"""Keys, and what is done with them: sealing personal data, blind look-up, references for callbacks.

Values are AES-256-GCM with the key's number in front, so that keys can be changed while old rows stay readable; the
associated data binds a value to the row that owns it, so that a value moved to another row does not open.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from geoalert.errors import Invalid, Unavailable

FORMAT = 1
NONCE = 12
KEY = 32
SIGNED = 16  # bytes of an HMAC that a reference carries
LETTERS = 22  # of base64 in which they are written, without the padding


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    """A key made ready once and not for each value of a million."""
    return AESGCM(key)


@lru_cache(maxsize=16)
def _tagging(hook: bytes) -> Cipher[ECB]:
    """The cipher of `tags`, under a key of its own: what else is signed with this one is no tag."""
    return Cipher(AES256(hmac.digest(hook, b"tags", sha256)), ECB())  # noqa: S305 - one block a message, and all of them differ


@dataclass(frozen=True)
class KeyRing:
    """`encryption` holds every key still needed to read; `current` names the one that writes."""

    current: int
    encryption: Mapping[int, bytes]
    blind: bytes
    hook: bytes

    def seal(self, plain: str, bound_to: str) -> bytes:
        """The encrypted value: format, key number, nonce, ciphertext with tag."""
        nonce = os.urandom(NONCE)
        body = _cipher(self.encryption[self.current]).encrypt(nonce, plain.encode(), bound_to.encode())
        return bytes([FORMAT]) + self.current.to_bytes(2, "big") + nonce + body

    def open(self, sealed: bytes, bound_to: str) -> str:
        """The plain value.

        Raises:
            Unavailable: the key is not on the ring.
            Invalid: the value was altered or belongs to another row.
        """
        number = int.from_bytes(sealed[1:3], "big")
        key = self.encryption.get(number)
        if key is None or sealed[0] != FORMAT:
            raise Unavailable(f"the key ring has no key {number}; restore the key file that wrote this store")
        try:
            plain = _cipher(key).decrypt(sealed[3 : 3 + NONCE], sealed[3 + NONCE :], bound_to.encode())
        except InvalidTag:
            raise Invalid("an encrypted value was altered or moved to another row") from None
        return plain.decode()

    def index(self, plain: str, kind: str) -> bytes:
        """Blind index (HMAC-SHA-256) of a normalised value: equal values of one kind are equal, nothing else shows."""
        return hmac.digest(self.blind, f"{kind}:{plain}".encode(), sha256)

    def sign(self, text: str) -> str:
        """URL-safe HMAC of a text of ours, 128 bits."""
        mac = hmac.digest(self.hook, text.encode(), sha256)
        return base64.urlsafe_b64encode(mac[:SIGNED])[:LETTERS].decode()

    def tags(self, blocks: bytes) -> bytes:
        """A tag of 128 bits for each of these messages of 16 bytes, in their order, that nobody else can make: CBC-MAC
        (ISO/IEC 9797-1), which is sound where all messages are of one length, of one block. For many at once: each
        recipient of a million has a reference of their own.
        """
        return _tagging(self.hook).encryptor().update(blocks)

    def marks(self) -> dict[str, str]:
        """What tells each key from any other, by its number or use, and does not tell the key: 64 bits of the SHA-256
        of 256 random ones.
        """
        keys = {str(number): key for number, key in self.encryption.items()} | {"blind": self.blind, "hook": self.hook}
        return {name: sha256(b"geoalert mark of a key:" + key).hexdigest()[:16] for name, key in keys.items()}

    def hook_path(self, provider: str) -> str:
        """Secret part of a provider's hook address; for gateways that sign nothing."""
        return self.sign(f"hook:{provider}")


def new_keys() -> KeyRing:
    """A fresh ring from the operating system's randomness."""
    return KeyRing(1, {1: os.urandom(KEY)}, os.urandom(KEY), os.urandom(KEY))


def read_keys(path: Path) -> KeyRing:
    """The ring in a key file.

    Raises:
        Unavailable: no such file, or not a key file.
    """
    try:
        raw = json.loads(path.read_text())
        encryption = {int(number): base64.b64decode(key) for number, key in raw["encryption"].items()}
        return KeyRing(int(raw["current"]), encryption, base64.b64decode(raw["blind"]), base64.b64decode(raw["hook"]))
    except FileNotFoundError:
        raise Unavailable(f"no key file at {path}") from None
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Unavailable(f"{path} is not a key file") from None


def write_keys(path: Path, ring: KeyRing) -> None:
    """Writes a new key file, readable by its owner only; never overwrites one, for that would lose every address.

    Raises:
        FileExistsError: there is one already.
    """
    body = {
        "current": ring.current,
        "encryption": {str(number): base64.b64encode(key).decode() for number, key in ring.encryption.items()},
        "blind": base64.b64encode(ring.blind).decode(),
        "hook": base64.b64encode(ring.hook).decode(),
    }
    # Written aside and linked into place: two processes starting at once agree on one ring.
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(body, out, indent=1)
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
