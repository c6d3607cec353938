"""Draws what a check found: the city's lines in grey, each fault where it lies with its number in the list below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from geoalert.wards.config import CityConfig
from geoalert.wards.distance import metres_per_degree
from geoalert.wards.finding import Finding
from geoalert.wards.model import WardTree

FAULT: Final = "#D55E00"
LINE: Final = "#999999"
INK: Final = "#333333"
SIDE_INCHES: Final = 10.0
ROW_INCHES: Final = 0.17
LISTED: Final = 40


def draw_faults(tree: WardTree, config: CityConfig, findings: Sequence[Finding], path: Path) -> None:
    """Writes a PNG over the city's box. What lies outside the box (swapped, not degrees) is in the list alone."""
    box = config.bbox
    across, along = metres_per_degree((box.south + box.north) / 2)
    tall = SIDE_INCHES * (box.north - box.south) * along / ((box.east - box.west) * across)
    foot = ROW_INCHES * (min(len(findings), LISTED) + 3)
    figure = Figure(figsize=(SIDE_INCHES, tall + foot), dpi=120, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    share = foot / (tall + foot)
    axes = figure.add_axes((0.02, share, 0.96, 0.96 - share))
    axes.set_xlim(box.west, box.east)
    axes.set_ylim(box.south, box.north)
    axes.set_aspect(along / across)
    axes.set_axis_off()
    axes.set_title(f"{config.name['en']}, epoch {tree.epoch}: {len(findings)} faults", loc="left", color=INK, size=13)
    for ward in tree.wards:
        _lines(axes, ward.geometry, LINE, 0.4)
    words = []
    for number, finding in enumerate(findings, 1):
        for code in finding.codes:
            for ward in tree.by_code.get(code, ()):
                _lines(axes, ward.geometry, FAULT, 1.2)
        at = finding.at or _somewhere(tree, finding)
        if at is not None and box.holds(*at):
            axes.plot([at[0]], [at[1]], marker="o", markersize=15, markerfacecolor="white", markeredgecolor=FAULT)
            axes.text(at[0], at[1], str(number), ha="center", va="center", size=7, color=INK)
        words.append(f"{number}  {finding.kind}: {' '.join(finding.codes)} {finding.detail}"[:150])
    more = [f"and {len(words) - LISTED} more"] if len(words) > LISTED else []
    text = "\n".join([*words[:LISTED], *more]) or "no fault"
    figure.text(0.02, share - 0.01, text, va="top", size=7, color=INK, linespacing=1.4)
    canvas.print_figure(path, format="png", metadata={"Software": None})


def _somewhere(tree: WardTree, finding: Finding) -> tuple[float, float] | None:
    for code in finding.codes:
        for ward in tree.by_code.get(code, ()):
            if not ward.geometry.is_empty:
                point = shapely.convex_hull(ward.geometry).centroid  # also of a ring that crosses itself
                return point.x, point.y
    return None


def _lines(axes: Axes, shape: shapely.Geometry, colour: str, width: float) -> None:
    for ring in shapely.get_rings(shape):
        points = shapely.get_coordinates(ring)
        axes.plot(points[:, 0], points[:, 1], color=colour, linewidth=width)
