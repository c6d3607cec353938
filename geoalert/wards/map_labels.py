"""Places a map's labels so that none covers another; one that must move keeps a thin line to its ward, and one for
which there is no room is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import shapely
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from geoalert.languages import Language
from geoalert.wards.map_words import HEAVY, typeface

# How far a label may move (points), nearest first: while its middle stays in its ward, or out of it on a line.
WITHIN: Final = (0.0, 7.0, 12.0, 17.0, 24.0, 32.0)
BEYOND: Final = (45.0, 60.0, 80.0, 100.0)
DIRECTIONS: Final = 12
MARGIN: Final = 1.04


@dataclass(frozen=True, slots=True)
class Label:
    """`shape` is in degrees; the text goes where it is widest."""

    shape: shapely.Geometry
    text: str
    size: float
    colour: str
    language: Language = "en"


def place(axes: Axes, renderer: RendererBase, labels: Sequence[Label]) -> None:
    """Draws the labels, the first given having the best place. Limits and aspect of `axes` must be set before."""
    taken: list[Bbox] = []
    for label in labels:
        centre = _widest(label.shape)
        if centre is None or not label.text:
            continue
        drawn: Annotation | None = None
        for offset, leader in _offsets(axes, label.shape, centre):
            if drawn is not None:
                drawn.remove()
            drawn = _draw(axes, label, centre, offset, leader=leader)
            box = drawn.get_window_extent(renderer).expanded(MARGIN, MARGIN)
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
        else:
            if drawn is not None:
                drawn.remove()


def _widest(shape: shapely.Geometry) -> tuple[float, float] | None:
    largest = max(shapely.get_parts(shape), key=shapely.area, default=None)
    if largest is None or largest.is_empty:
        return None
    if largest.area == 0:
        return float(largest.centroid.x), float(largest.centroid.y)
    x, y = shapely.get_coordinates(shapely.maximum_inscribed_circle(largest))[0]
    return float(x), float(y)


def _offsets(
    axes: Axes, shape: shapely.Geometry, centre: tuple[float, float]
) -> Iterator[tuple[tuple[float, float], bool]]:
    """Where the text may go, in points from the centre, and whether it then needs a line to its ward."""
    per_point = axes.figure.dpi / 72
    pixels = axes.transData.transform(centre)
    shapely.prepare(shape)
    for ring in WITHIN:
        for x, y in _circle(ring):
            lon, lat = axes.transData.inverted().transform((pixels[0] + x * per_point, pixels[1] + y * per_point))
            if not ring or shapely.contains_xy(shape, lon, lat):
                yield (x, y), False
    for ring in BEYOND:
        for x, y in _circle(ring):
            # Text is wider than tall, so it needs to go further sideways.
            yield (1.4 * x, y), True


def _circle(radius: float) -> list[tuple[float, float]]:
    turns = (math.pi / 2 + 2 * math.pi * step / DIRECTIONS for step in range(DIRECTIONS if radius else 1))
    return [(radius * math.cos(turn), radius * math.sin(turn)) for turn in turns]


def _draw(
    axes: Axes, label: Label, centre: tuple[float, float], offset: tuple[float, float], *, leader: bool
) -> Annotation:
    return axes.annotate(
        label.text,
        centre,
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        fontproperties=typeface(HEAVY, label.size),
        language=label.language,
        color=label.colour,
        linespacing=0.75,  # the type's own lines stand wide apart
        path_effects=[withStroke(linewidth=2.4, foreground="white")],
        arrowprops={"arrowstyle": "-", "color": label.colour, "linewidth": 0.7} if leader else None,
        zorder=6,
    )
