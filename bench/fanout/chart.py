"""The ratios as a picture for the README."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart by everybody.
COLOURS = {
    "postgis": "#D55E00",
    "postgis tuned": "#E69F00",
    "sjoin + COPY": "#56B4E9",
    "database": "#009E73",
    "grid": "#000000",
    "compiled": "#CC79A7",
}
OURS = {"database": "store's path", "grid": "live grid", "compiled": "live grid, compiled"}


def draw(found: dict[str, Any], path: Path) -> None:
    """Milliseconds by kind of area, on a logarithmic scale."""
    kinds = list(found["told"])
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    measured = [(name, colour) for name, colour in COLOURS.items() if name in found["ms"]]
    width = 0.8 / len(measured)
    for number, (name, colour) in enumerate(measured):
        places = [position + number * width for position in range(len(kinds))]
        label = name if name not in OURS else f"geoalert, {OURS[name]}"
        axes.bar(places, [found["ms"][name][kind] for kind in kinds], width, color=colour, label=label)
    axes.set_yscale("log")
    axes.set_ylabel("ms until every batch is durable")
    axes.set_xticks([position + 0.4 for position in range(len(kinds))])
    axes.set_xticklabels([f"{kind}\n{found['told'][kind]:,} told" for kind in kinds])
    axes.set_title(f"From an area to durable batches, {found['people']:,} people")
    axes.legend(ncols=3, frameon=False)
    axes.grid(axis="y", alpha=0.3)
    figure.savefig(path, dpi=130)
