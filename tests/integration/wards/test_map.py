from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread

from geoalert.errors import NotFound
from geoalert.languages import LANGUAGES, Language
from geoalert.wards import load_city
from geoalert.wards.map import draw
from geoalert.wards.map_labels import Label, place
from tests.pune import PUNE

CITY = load_city(PUNE)
TODAY = date(2026, 11, 1)


def test_a_map_shows_the_zones_and_what_is_highlighted(tmp_path: Path) -> None:
    plain, told = tmp_path / "plain.png", tmp_path / "told.png"
    draw(CITY, TODAY, plain)
    made_up = np.random.default_rng(1).uniform((73.75, 18.4), (73.95, 18.6), (500, 2))
    tank = shapely.Point(73.83, 18.5).buffer(0.02)
    draw(
        CITY,
        TODAY,
        told,
        highlight=["kothrud-bavdhan", "2017-P14"],
        areas=[(tank, "Tank")],
        points=made_up,
        title="Cut",
    )
    first, second = imread(plain), imread(told)
    assert first.shape[1] == 1600
    # Many colours on the one, and the other differs from it.
    assert len(np.unique((first[::5, ::5, :3] * 255).astype(int).reshape(-1, 3), axis=0)) > 30
    assert first.shape != second.shape or not np.allclose(first, second)


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        draw(CITY, TODAY, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_code_not_in_force_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="V-fursungi"):
        draw(CITY, TODAY, tmp_path / "map.png", highlight=["V-fursungi"])


def test_a_ward_named_twice_is_shown_once(tmp_path: Path) -> None:
    draw(CITY, TODAY, tmp_path / "once.png", highlight=["2017-P14"])
    draw(CITY, TODAY, tmp_path / "twice.png", highlight=["2017-P14", "2017-P14"])
    assert (tmp_path / "once.png").read_bytes() == (tmp_path / "twice.png").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_map_in_every_language(tmp_path: Path, language: Language) -> None:
    draw(CITY, TODAY, tmp_path / "map.png", language=language, highlight=["2017-P14"])
    draw(CITY, TODAY, tmp_path / "english.png", highlight=["2017-P14"])
    same = (tmp_path / "map.png").read_bytes() == (tmp_path / "english.png").read_bytes()
    assert same == (language == "en")


def test_a_label_without_room_is_left_out() -> None:
    figure = Figure(figsize=(2, 2), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    everywhere = shapely.box(0.4, 0.4, 0.6, 0.6)
    wide = Label(everywhere, "प्रभाग " * 40, 40, "#000000", "mr")
    place(axes, FigureCanvasAgg(figure).get_renderer(), [wide, wide])  # type: ignore[no-untyped-call]
    assert len(axes.texts) == 1
