"""The configured providers as channels; a sandbox in their place where one is named."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from geoalert.dispatch.channels.channel import Channel
from geoalert.dispatch.channels.post_mastodon import MastodonPost
from geoalert.dispatch.channels.push_fcm import FcmPush
from geoalert.dispatch.channels.sms_twilio import TwilioSms
from geoalert.errors import Unavailable
from geoalert.sandbox.app import serve as serve_sandbox
from geoalert.sandbox.credentials import Credentials, read_credentials, sandbox_credentials, write_credentials
from geoalert.sandbox.faults import Faults
from geoalert.settings import Settings, TwilioSettings
from geoalert.store import KeyRing


def callback_base(settings: Settings) -> str:
    """The address at which providers reach us."""
    return settings.api.public_url.rstrip("/") or f"http://{settings.api.host}:{settings.api.port}"


def make_channels(settings: Settings, keys: KeyRing) -> dict[str, Channel]:
    """The configured channels by provider; all of them the sandbox's where a sandbox is named."""
    if settings.sandbox.credentials is not None:
        return _sandbox_channels(settings, read_credentials(settings.sandbox.credentials), _hook(settings, keys))
    channels: dict[str, Channel] = {}
    if settings.fcm.service_account is not None:
        try:
            account = json.loads(settings.fcm.service_account.read_text())
        except (OSError, ValueError):
            raise Unavailable(f"{settings.fcm.service_account} is not a service account file") from None
        channels["fcm"] = FcmPush(account, rate=settings.fcm.rate, daily_cap=settings.fcm.daily_cap)
    if settings.twilio.account:
        channels["twilio"] = _twilio(settings.twilio, _hook(settings, keys))
    if settings.twilio2.account:
        second = _twilio(settings.twilio2, _hook(settings, keys, "twilio2"))
        channels["twilio2"] = replace(second, provider="twilio2", endpoint=settings.twilio2.endpoint)
    if settings.mastodon.server:
        tokens = {handle: token.get_secret_value() for handle, token in settings.mastodon.tokens.items()}
        channels["mastodon"] = MastodonPost(settings.mastodon.server, tokens)
    return channels


def _hook(settings: Settings, keys: KeyRing, provider: str = "twilio") -> str:
    return f"{callback_base(settings)}/v1/hooks/{provider}/{keys.hook_path(provider)}"


def _twilio(settings: TwilioSettings, hook: str) -> TwilioSms:
    return TwilioSms(
        account=settings.account,
        token=settings.token.get_secret_value(),
        sender=settings.sender,
        callback=hook,
        price=settings.price,
        rate=settings.rate,
        weight=settings.weight,
        daily_cap=settings.daily_cap,
        low_balance=settings.low_balance,
    )


def _sandbox_channels(settings: Settings, sandbox: Credentials, hook: str) -> dict[str, Channel]:
    return {
        "fcm": FcmPush(
            sandbox.service_account,
            endpoint=sandbox.fcm_endpoint,
            rate=settings.sandbox.push_rate,
            rehearsal=True,
        ),
        "twilio": TwilioSms(
            account=sandbox.twilio_account,
            token=sandbox.twilio_token,
            sender=sandbox.twilio_sender,
            callback=hook,
            endpoint=sandbox.base_url,
            price=settings.twilio.price,
            rate=settings.sandbox.sms_rate,
            rehearsal=True,
        ),
        "mastodon": MastodonPost(sandbox.base_url, sandbox.mastodon_tokens, rate=20.0, rehearsal=True),
    }


async def run_sandbox(host: str, port: int, credentials: Path, api_base: str, handles: tuple[str, ...]) -> None:
    """Runs a sandbox on a port until cancelled; writes its credentials first."""
    made = sandbox_credentials(f"http://{host}:{port}", handles=handles)
    await asyncio.to_thread(write_credentials, credentials, made)
    await serve_sandbox(
        made,
        host=host,
        port=port,
        api_base=api_base,
        faults=Faults(unregistered=0.01, undelivered=0.02, acknowledged=0.9),
    )
