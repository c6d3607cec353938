"""Whom a message can tell at all, as a condition the store evaluates beside the place: who is barred whatever their
hours and channels is not brought over. The rules (`audience.rules`) decide all the same, on whoever passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from geoalert.audience.rules import REACH
from geoalert.subscribers.attributes import ACTIVE, CONSENT, MIN_SEVERITY, order_mask
from geoalert.subscribers.codes import SEVERITIES


@dataclass(frozen=True, slots=True)
class Sieve:
    """`attr` must have all bits of `must` and one of `usable`, and a least severity up to `severity`; `categories`
    must have the bit `category`. None: that rule does not hold.
    """

    must: int
    usable: int
    severity: int | None
    category: int | None

    @classmethod
    def of(cls, category_bit: int, severity: str, channels: Iterable[int]) -> Sieve:
        """As `rules.members` bars people from a message."""
        reach = REACH[severity]
        return cls(
            ACTIVE if reach.consent else ACTIVE | CONSENT,
            sum(order_mask(channel) for channel in channels),
            None if reach.min_severity else SEVERITIES[severity] << MIN_SEVERITY[0],
            None if reach.category else 1 << category_bit,
        )

    @property
    def condition(self) -> str:
        """In both stores' SQL, over the columns `attr` and `categories`; of whole numbers alone."""
        parts = [f"(attr & {self.must}) = {self.must}", f"(attr & {self.usable}) <> 0"]
        if self.severity is not None:
            parts.append(f"(attr & {MIN_SEVERITY[1] << MIN_SEVERITY[0]}) <= {self.severity}")
        if self.category is not None:
            parts.append(f"(categories & {self.category}) <> 0")
        return " AND ".join(parts)
