"""Why a recipient has the outcome it has: one byte, published; a number is never reused."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    NONE = 0
    # ours, before sending
    QUIET_HOURS = 1
    OPTED_OUT = 2
    ADDRESS_GONE = 3
    AWAITS_PUBLISHER = 4  # social posts wait for the cell
    UNREADABLE = 5  # the sealed address was altered
    # the recipient
    UNREGISTERED = 10
    INVALID_ADDRESS = 11
    STOPPED = 12  # told the provider STOP
    UNREACHABLE = 13
    SENDER_MISMATCH = 14
    # the provider, passing
    RATE_LIMITED = 20
    PROVIDER_ERROR = 21
    TIMEOUT = 22
    CONNECTION_LOST = 23
    NONSENSE = 24  # an answer that cannot be read
    NOT_CONNECTED = 25  # nothing left this machine
    NOT_BEGUN = 26  # its turn did not come in time
    # the provider, until a person acts
    CREDENTIAL = 30
    TEMPLATE = 31
    QUOTA = 32
    PAYLOAD = 33
    # the message
    CANCELLED = 40
    SUPERSEDED = 41
    EXPIRED = 42
    DRILL = 43  # an exercise never reaches a real provider
    # us
    WORKER_LOST = 50
    NO_PROVIDER = 51
    PAUSED = 52  # by an operator
    NO_MESSAGE = 53  # the message it belongs to is not there
    NO_CHANNEL = 54  # a channel this program does not know
    # of the channel before
    NOT_CONFIRMED = 60  # nothing said in time that it arrived; of those moved on, never of an outcome
