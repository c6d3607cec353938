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

from geoalert.languages import Language
from geoalert.wards.distance import metres_per_degree
from geoalert.wards.map_labels import Label, place
from geoalert.wards.map_words import REGULAR, typeface, words_in
from geoalert.wards.product import City

ZONE_COLOURS: Final = ("#56B4E9", "#009E73", "#F0E442", "#E69F00", "#CC79A7")
HIGHLIGHT: Final = "#D55E00"
TOLD: Final = "#7A3600"  # the highlight, dark enough to read
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
    language: Language = "en",
) -> None:
    """Writes a PNG of the tree in force on that day to `path`, its names in that language.

    `highlight` are codes of any level; `areas` are shapes in degrees with a label; `points` is n x 2 (lon, lat), for
    made-up people only: no picture may show where real ones live. Raises NotFound for a code not in force, Invalid for
    a day of which nothing is held.
    """
    tree, words = city.tree, words_in(language)
    tree.begin_of(on)
    chosen = [tree.get(code, on) for code in dict.fromkeys(highlight)]
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
    axes.set_title(
        title or words.title.format(city.config.name[language]),
        loc="left",
        color=INK,
        fontproperties=typeface(REGULAR, 15),
        language=language,
    )

    # With something to show on top, the ground steps back.
    quiet = bool(chosen or areas)
    key: list[Any] = []
    for number, zone in enumerate(tree.zones(on)):
        colour = ZONE_COLOURS[number % len(ZONE_COLOURS)]
        _add(axes, zone.geometry, facecolor=colour, alpha=0.16 if quiet else 0.38, linewidth=0)
        key.append(Patch(facecolor=colour, alpha=0.3 if quiet else 0.5, label=zone.name(language)))
    for unit in tree.units(on):
        _add(axes, unit.geometry, fill=False, edgecolor="#777777", linewidth=0.35)
    if points is not None and len(points):
        axes.scatter(points[:, 0], points[:, 1], s=1.2, c=PERSON, linewidths=0, alpha=0.5, zorder=2)
        key.append(Line2D([], [], color=PERSON, marker=".", linestyle="", label=words.people))
    for ward in chosen:
        _add(axes, ward.geometry, facecolor=HIGHLIGHT, alpha=0.30, linewidth=0)
        _add(axes, ward.geometry, fill=False, edgecolor=HIGHLIGHT, linewidth=2.2, hatch="///", hatch_linewidth=0.4)
    if chosen:
        key.append(Patch(facecolor="#F3C5A8", edgecolor=HIGHLIGHT, hatch="///", label=words.told))
    for office in tree.offices(on):
        _add(axes, office.geometry, fill=False, edgecolor=INK, linewidth=0.9)
    for shape, _ in areas:
        _add(axes, shape, facecolor=AREA, alpha=0.25, linewidth=0)
        _add(axes, shape, fill=False, edgecolor=AREA, linewidth=2.0, linestyle="--")
    if areas:
        key.append(Patch(facecolor="#BFDBEB", edgecolor=AREA, linestyle="--", label=words.area))

    # Small offices choose first: a large one has room to give way.
    offices = sorted(tree.offices(on), key=lambda office: office.area_km2)
    labels = [Label(shape, label, 9.5, AREA, language) for shape, label in areas]
    units = [ward for ward in chosen if ward.level == "unit"]
    labels += [Label(unit.geometry, _two_lines(unit.name(language)), 8.5, TOLD, language) for unit in units]
    labels += [Label(office.geometry, _two_lines(office.name(language)), 8.5, INK, language) for office in offices]
    place(axes, canvas.get_renderer(), labels)  # type: ignore[no-untyped-call]
    _scale_bar(axes, (west, south - foot * 0.8, east), across, language)
    columns = math.ceil(len(key) / 3)
    legend = axes.legend(
        handles=key, loc="lower right", ncols=columns, frameon=False, prop=typeface(REGULAR, 9), labelcolor=INK
    )
    for text in legend.get_texts():
        text.set_language(language)
    axes.annotate(
        f"{city.config.attribution}. {words.unofficial}\n{on.strftime(words.day)}; {city.note_on(on)}.",
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -14),
        textcoords="offset points",
        va="top",
        fontproperties=typeface(REGULAR, 8),
        language=language,
        color=INK,
    )
    # No version stamp, so that the same map gives the same bytes.
    canvas.print_figure(path, format="png", metadata={"Software": None})


def _add(axes: Axes, shape: shapely.Geometry, **style: Any) -> None:  # noqa: ANN401 - matplotlib's own style words
    rings = shapely.get_rings(shape)
    if len(rings):
        outline = Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings))
        axes.add_patch(PathPatch(outline, **style))


def _two_lines(name: str) -> str:
    first, dash, rest = name.partition("-")
    return f"{first.rstrip()}{dash}\n{rest.lstrip()}" if dash else first


def _scale_bar(axes: Axes, corner: tuple[float, float, float], across: float, language: Language) -> None:
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
    for share, text in ((0.0, "0"), (1.0, f"{length:g} {words_in(language).km}")):
        axes.text(
            west + share * run,
            south + 2 * thick,
            text,
            ha="center",
            fontproperties=typeface(REGULAR, 9),
            language=language,
            color=INK,
        )
