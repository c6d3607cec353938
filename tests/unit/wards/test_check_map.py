"""The picture of what a check found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.image import imread
from shapely.geometry import Polygon, box

from geoalert.wards import CityConfig, WardTree
from geoalert.wards.check import check
from geoalert.wards.check_map import draw_faults


def test_faults_are_drawn_and_a_sound_tree_too(
    board: WardTree, change: Callable[..., WardTree], rules: CityConfig, tmp_path: Path
) -> None:
    bow_tie = Polygon([(73.82, 18.50), (73.84, 18.52), (73.84, 18.50), (73.82, 18.52)])
    for name, tree in (
        ("sound", board),
        ("bow tie", change("U3", geometry=bow_tie)),
        ("empty", change("U3", geometry=Polygon())),
        ("swapped", change("U3", geometry=box(18.50, 73.82, 18.52, 73.84))),
    ):
        found = check(tree, rules)
        assert bool(found) == (name != "sound")
        draw_faults(tree, rules, found, tmp_path / f"{name}.png")
        picture = imread(tmp_path / f"{name}.png")
        assert picture.shape[1] == 1200
        orange = (picture[..., 0] > 0.8) & (picture[..., 1] < 0.5) & (picture[..., 2] < 0.2)
        assert bool(orange.any()) == (name == "bow tie")  # what has no place in the city is in the list alone


def test_an_overlap_says_where_it_is(change: Callable[..., WardTree], rules: CityConfig) -> None:
    found = check(change("U3", geometry=box(73.819, 18.50, 73.84, 18.52)), rules)
    (overlap,) = (finding for finding in found if finding.kind == "overlap" and finding.codes == ("U1", "U3"))
    assert overlap.at is not None
    assert 73.819 < overlap.at[0] < 73.82
