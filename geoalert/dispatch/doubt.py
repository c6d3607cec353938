"""What is done with a recipient of whom nobody knows whether they were told: by what a second request does at the
provider, and by how urgent the message is. A table; every cell has a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final

from geoalert.dispatch.channels.channel import Idempotency
from geoalert.dispatch.plan import EMERGENCY


class Settle(Enum):
    """How a doubt is settled."""

    RESEND = "send again: the provider or the device shows it once"
    RISK = "send again: being told twice is better than not at all"
    ASK = "ask the provider, and stay uncertain while it cannot be asked"
    ASK_THEN_RISK = "ask the provider; where it cannot be asked for a while, send again"
    HOLD = "stay uncertain: receipts or a person may settle it"


PATIENCE: Final = timedelta(seconds=30)  # how long an emergency waits for a provider that cannot be asked

_EMERGENCY, _ROUTINE = True, False
POLICY: Final[Mapping[tuple[Idempotency, bool], Settle]] = MappingProxyType(
    {
        (Idempotency.KEYED, _EMERGENCY): Settle.RESEND,
        (Idempotency.KEYED, _ROUTINE): Settle.RESEND,
        (Idempotency.REPLACED, _EMERGENCY): Settle.RESEND,
        (Idempotency.REPLACED, _ROUTINE): Settle.RESEND,
        (Idempotency.LOOKUP, _EMERGENCY): Settle.ASK_THEN_RISK,
        (Idempotency.LOOKUP, _ROUTINE): Settle.ASK,
        (Idempotency.NONE, _EMERGENCY): Settle.RISK,
        (Idempotency.NONE, _ROUTINE): Settle.HOLD,
    }
)


def settle(kind: Idempotency, priority: int) -> Settle:
    """The policy for a doubt at a provider of this kind, in a message of this priority."""
    return POLICY[kind, priority <= EMERGENCY]
