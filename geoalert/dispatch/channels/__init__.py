"""Ways to reach people: one file per channel, all keeping the contract in `channel.py`.

A channel turns an approved notice into one provider's request and the answer into a verdict. It does not retry,
sleep, or know the database; dispatch does.
"""

from geoalert.dispatch.channels.channel import (
    Channel,
    Checked,
    Chunk,
    Delivery,
    Idempotency,
    Notice,
    Prepared,
    Receipt,
    ReceiptRequest,
    SendResult,
    Status,
    Traits,
    Verdict,
)

__all__ = [
    "Channel",
    "Checked",
    "Chunk",
    "Delivery",
    "Idempotency",
    "Notice",
    "Prepared",
    "Receipt",
    "ReceiptRequest",
    "SendResult",
    "Status",
    "Traits",
    "Verdict",
]
