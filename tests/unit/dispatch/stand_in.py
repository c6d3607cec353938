"""A channel of any kind, for rules that only read its traits."""

from __future__ import annotations

from dataclasses import replace

from geoalert.dispatch.channels.channel import Idempotency, Traits
from geoalert.dispatch.channels.log import LogChannel


class StandIn(LogChannel):
    """The dry run under another kind of idempotency."""

    def __init__(self, provider: str, kind: Idempotency) -> None:
        super().__init__("sms", provider)
        object.__setattr__(self, "_kind", kind)  # the dry run is frozen

    @property
    def traits(self) -> Traits:
        return replace(LogChannel(self.name, self.provider).traits, idempotency=self.__dict__["_kind"])
