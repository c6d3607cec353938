"""Mastodon's statuses: create with an Idempotency-Key, and read back."""

from __future__ import annotations

import hmac
import html
import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from geoalert.sandbox.credentials import Credentials
from geoalert.sandbox.faults import Mischief
from geoalert.sandbox.inbox import Inbox, digest

_LIMIT = 500
_LINK = re.compile(r"https?://\S+")
_LINK_COUNTS = "x" * 23
_VISIBILITIES = frozenset({"public", "unlisted", "private", "direct"})


@dataclass(repr=False)
class Mastodon:
    credentials: Credentials
    inbox: Inbox
    mischief: Mischief
    posts: dict[str, dict[str, object]] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)  # (handle, Idempotency-Key) -> post
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(112_000_000_000_000_001))

    def routes(self) -> list[web.RouteDef]:
        self.mischief.bodies["mastodon"] = lambda status: {"error": f"Sandbox error {status}"}
        guard = self.mischief.guard
        return [
            web.post("/api/v1/statuses", guard("mastodon", self.create)),
            web.get("/api/v1/statuses/{id}", guard("mastodon", self.read)),
            web.get("/api/v1/accounts/verify_credentials", guard("mastodon", self.whoami)),
        ]

    async def create(self, request: web.Request) -> web.Response:
        handle = self._account(request)
        if handle is None:
            return web.json_response({"error": "The access token is invalid"}, status=401)
        try:
            body = json.loads(await request.read())
            text, language = str(body["status"]), str(body.get("language", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refused("Text can't be blank")
        if not text.strip() or body.get("visibility", "public") not in _VISIBILITIES:
            return _refused("Text can't be blank")
        if len(_LINK.sub(_LINK_COUNTS, text)) > _LIMIT:
            return _refused(f"Text character limit of {_LIMIT} exceeded")
        key = (handle, request.headers.get("Idempotency-Key", ""))
        told = self.inbox.message(
            f"post:{digest(text)}", "post", alert="", language=language, title=f"@{handle}", text=text
        )
        earlier = self.keys.get(key) if key[1] else None
        self.inbox.arrived(told, handle, "repeat" if earlier else "new")
        if earlier:
            return web.json_response(self.posts[earlier])
        return web.json_response(self._publish(key, text, language))

    async def whoami(self, request: web.Request) -> web.Response:
        handle = self._account(request)
        if handle is None:
            return web.json_response({"error": "The access token is invalid"}, status=401)
        return web.json_response({"id": handle, "username": handle, "acct": handle})

    async def read(self, request: web.Request) -> web.Response:
        post = self.posts.get(request.match_info["id"])
        return web.json_response(post or {"error": "Record not found"}, status=200 if post else 404)

    def _publish(self, key: tuple[str, str], text: str, language: str) -> dict[str, object]:
        handle, ref = key[0], str(next(self._ids))
        self.keys[key] = ref
        base = self.credentials.base_url
        self.posts[ref] = {
            "id": ref,
            "created_at": datetime.now(UTC).isoformat(),
            "uri": f"{base}/users/{handle}/statuses/{ref}",
            "url": f"{base}/@{handle}/{ref}",
            "visibility": "public",
            "language": language,
            "content": f"<p>{html.escape(text)}</p>",
            "account": {"username": handle, "acct": handle},
        }
        return self.posts[ref]

    def _account(self, request: web.Request) -> str | None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        tokens = self.credentials.mastodon_tokens.items()
        return next((handle for handle, token in tokens if hmac.compare_digest(bearer, token.encode())), None)


def _refused(reason: str) -> web.Response:
    return web.json_response({"error": f"Validation failed: {reason}"}, status=422)
