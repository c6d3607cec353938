"""How push reaches phones in an area whose place we do not hold: by topics they follow, and by an outline they test.

Topics bring the message to the phone, and the outline in it lets the phone decide; the plan only has to miss nobody. So
both parts cover the whole area, and the plan says by how much they reach beyond it. Pure: what is counted is counted by
the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shapely.geometry.base import BaseGeometry

from geoalert.audience.outward import outward
from geoalert.audience.topics import IN_ONE_CONDITION, MOST, cover_by_topics, topic_name
from geoalert.errors import Invalid
from geoalert.wards.model import Ward
from geoalert.wards.projection import area_km2

BUDGET: Final = 2_000  # bytes of 4,000 that a push message may have


@dataclass(frozen=True, slots=True)
class Reach:
    """The ground of one part of a plan, and what of it lies beyond the area. `people_beyond` estimates by those whose
    places we hold; None where nobody was counted.
    """

    ground: BaseGeometry
    km2_beyond: float
    percent_beyond: float
    people_beyond: int | None = None

    def document(self) -> dict[str, Any]:
        """As JSON, without the ground."""
        return {
            "km2_beyond": round(self.km2_beyond, 4),
            "percent_beyond": round(self.percent_beyond, 2),
            "people_beyond": self.people_beyond,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """`topics` are codes of wards and rounded cells, or `everyone`; `outline` is text as in `audience.outline_text`."""

    area: BaseGeometry
    area_km2: float
    topics: tuple[str, ...]
    topics_reach: Reach
    outline: str
    outline_reach: Reach

    def counted(self, inside: int, by_topics: int, by_outline: int) -> Plan:
        """With people: those in the area, in the topics' ground and in the outline."""
        topics = replace(self.topics_reach, people_beyond=by_topics - inside)
        outline = replace(self.outline_reach, people_beyond=by_outline - inside)
        return replace(self, topics_reach=topics, outline_reach=outline)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "area_km2": round(self.area_km2, 4),
            "topics": [topic_name(code) for code in self.topics],
            "topics_reach": self.topics_reach.document(),
            "outline": self.outline,
            "outline_bytes": len(self.outline),
            "outline_reach": self.outline_reach.document(),
        }


def plan(
    area: BaseGeometry, wards: Sequence[Ward], epsg: int, *, budget: int = BUDGET, most: int = IN_ONE_CONDITION
) -> Plan:
    """The plan for a valid (multi)polygon (EPSG:4326) over the wards of one day: at most so many topics, and an
    outline of so many bytes at most.

    Raises:
        Invalid: a budget too small for any outline, or a number of topics that cannot be.
    """
    if not 1 <= most <= MOST:
        raise Invalid(f"1 to {MOST} topics", pointer="/topics")
    km2 = area_km2(area, epsg)

    def reach(ground: BaseGeometry) -> Reach:
        beyond = max(0.0, area_km2(ground, epsg) - km2)
        return Reach(ground, beyond, 100 * beyond / km2)

    outline = outward(area, budget)
    cover = cover_by_topics(area, wards, most)
    return Plan(
        area=area,
        area_km2=km2,
        topics=cover.codes,
        topics_reach=reach(cover.ground),
        outline=outline.text,
        outline_reach=reach(outline.shape),
    )
