"""Draws a city's wards as a picture: zones tinted, offices named, an alert's area and wards on top.

Colours are Okabe and Ito's, told apart by colour-blind readers; what is highlighted is also hatched, so that it shows
in black and white. Nothing global is touched (no pyplot), so pictures can be drawn from any thread.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from geoalert.wards.distance import metres_per_degree
from geoalert.wards.map_labels import Label, place
from geoalert.wards.model import Ward
from geoalert.wards.product import City

ZONE_COLOURS: Final = ("#56B4E9", "#009E73", "#F0E442", "#E69F00", "#CC79A7")
HIGHLIGHT: Final = "#D55E00"
AREA: Final = "#0072B2"
PERSON: Final = "#222222"
INK: Final = "#333333"
SIDE_INCHES: Final = 10.0
DPI: Final = 160
FOOT: Final = 0.07  # of the city's height
SCALE_KM: Final = (0.5, 1, 2, 5, 10, 20)


def draw(
    city: City,
    on: date,
    path: Path,
    *,
    highlight: Collection[str] = (),
    areas: Sequence[tuple[shapely.Geometry, str]] = (),
    points: NDArray[np.float64] | None = None,
    title: str = "",
) -> None:
    """Writes a PNG of the tree in force on that day to `path`.

    `highlight` are codes of any level; `areas` are shapes in degrees with a label; `points` is n x 2 (lon, lat), for
    made-up people only: no picture may show where real ones live. Raises NotFound for a code not in force.
    """
    tree = city.tree
    chosen = [tree.get(code, on) for code in highlight]
    west, south, east, north = shapely.total_bounds(
        np.array([ward.geometry for ward in tree.zones(on)] + [shape for shape, _ in areas], dtype=object)
    )
    across, along = metres_per_degree((south + north) / 2)
    foot = FOOT * (north - south)  # a strip under the city for the scale and the key
    tall = (north - south + foot) * along / ((east - west) * across)
    figure = Figure(figsize=(SIDE_INCHES, SIDE_INCHES * tall + 1.0), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.055, 0.96, 0.90))
    axes.set_aspect(along / across)
    axes.set_axis_off()
    axes.set_xlim(west, east)
    axes.set_ylim(south - foot, north)
    axes.set_title(title or f"{city.config.name['en']}: zones and ward offices", loc="left", color=INK, size=14)

    # With something to show on top, the ground steps back.
    quiet = bool(chosen or areas)
    key: list[Any] = []
    for number, zone in enumerate(tree.zones(on)):
        colour = ZONE_COLOURS[number % len(ZONE_COLOURS)]
        _add(axes, zone.geometry, facecolor=colour, alpha=0.16 if quiet else 0.38, linewidth=0)
        key.append(Patch(facecolor=colour, alpha=0.3 if quiet else 0.5, label=zone.name_en))
    for unit in tree.units(on):
        _add(axes, unit.geometry, fill=False, edgecolor="#777777", linewidth=0.35)
    if points is not None and len(points):
        axes.scatter(points[:, 0], points[:, 1], s=1.2, c=PERSON, linewidths=0, alpha=0.5, zorder=2)
        key.append(Line2D([], [], color=PERSON, marker=".", linestyle="", label="people (made up)"))
    for ward in chosen:
        _add(axes, ward.geometry, facecolor=HIGHLIGHT, alpha=0.30, linewidth=0)
        _add(axes, ward.geometry, fill=False, edgecolor=HIGHLIGHT, linewidth=2.2, hatch="///", hatch_linewidth=0.4)
    if chosen:
        key.append(Patch(facecolor="#F3C5A8", edgecolor=HIGHLIGHT, hatch="///", label="wards told"))
    for office in tree.offices(on):
        _add(axes, office.geometry, fill=False, edgecolor=INK, linewidth=0.9)
    for shape, _ in areas:
        _add(axes, shape, facecolor=AREA, alpha=0.25, linewidth=0)
        _add(axes, shape, fill=False, edgecolor=AREA, linewidth=2.0, linestyle="--")
    if areas:
        key.append(Patch(facecolor="#BFDBEB", edgecolor=AREA, linestyle="--", label="alert area"))

    # Small offices choose first: a large one has room to give way.
    offices = sorted(tree.offices(on), key=lambda office: office.area_km2)
    labels = [Label(shape, label, 9, AREA) for shape, label in areas]
    labels += [Label(office.geometry, _two_lines(office), 7.5, INK) for office in offices]
    place(axes, canvas.get_renderer(), labels)  # type: ignore[no-untyped-call]
    _scale_bar(axes, (west, south - foot * 0.8, east), across)
    columns = math.ceil(len(key) / 3)
    axes.legend(handles=key, loc="lower right", ncols=columns, frameon=False, fontsize=8, labelcolor=INK)
    axes.annotate(
        f"{city.config.attribution}. Not official.\n{on:%d %B %Y}; {city.config.note}.",
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -14),
        textcoords="offset points",
        va="top",
        size=7,
        color=INK,
    )
    # No version stamp, so that the same map gives the same bytes.
    canvas.print_figure(path, format="png", metadata={"Software": None})


def _add(axes: Axes, shape: shapely.Geometry, **style: Any) -> None:  # noqa: ANN401 - matplotlib's own style words
    rings = shapely.get_rings(shape)
    if len(rings):
        outline = Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings))
        axes.add_patch(PathPatch(outline, **style))


def _two_lines(office: Ward) -> str:
    first, dash, rest = office.name_en.partition("-")
    return f"{first}{dash}\n{rest}" if dash else first


def _scale_bar(axes: Axes, corner: tuple[float, float, float], across: float) -> None:
    west, south, east = corner
    wide_km = (east - west) * across / 1000
    length = max((km for km in SCALE_KM if km <= wide_km / 4), default=SCALE_KM[0])
    run = length * 1000 / across
    thick = (east - west) / 220
    for part in range(4):
        shade = INK if part % 2 == 0 else "white"
        axes.add_patch(
            Rectangle((west + part * run / 4, south), run / 4, thick, facecolor=shade, edgecolor=INK, linewidth=0.6)
        )
    for share, text in ((0.0, "0"), (1.0, f"{length:g} km")):
        axes.text(west + share * run, south + 2 * thick, text, ha="center", size=8, color=INK)
