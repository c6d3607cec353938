"""When to come back to a batch that could not leave: a table, full jitter, never past what the message is worth.

Full jitter (a delay drawn evenly from zero to the step) spreads the workers that met the same failure best:
Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from typing import Final

# Seconds by attempt; the last one stays.
ROUTINE: Final = (2, 4, 10, 30, 60, 120, 300)
URGENT: Final = (1, 2, 5, 10, 15)
LEAST: Final = 0.05


def delay_after(attempt: int, *, urgent: bool, asked: float, left: float, spread: float) -> float:
    """Seconds to wait after the `attempt`-th try (from 1): at least what the provider `asked` for, and no longer than
    half of what is `left` until the message expires, so that there is a last try. `spread` in [0, 1).
    """
    steps = URGENT if urgent else ROUTINE
    step = steps[min(max(attempt, 1), len(steps)) - 1]
    return max(LEAST, min(max(asked, step * spread), left / 2))
