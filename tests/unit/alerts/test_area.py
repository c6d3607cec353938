"""Drawn areas: what is refused names the reason and the place."""

from __future__ import annotations

from typing import Any

import pytest
import shapely

from geoalert.alerts.circle import Circle
from geoalert.alerts.drawn import read_drawn
from geoalert.errors import Invalid

PUNE = (73.68, 18.35, 74.06, 18.68)


def ring(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in corners]]}


def several(*rings: tuple[tuple[float, float], ...]) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [[[list(corner) for corner in each]] for each in rings]}


SQUARE = ((73.8, 18.5), (73.81, 18.5), (73.81, 18.51), (73.8, 18.51), (73.8, 18.5))
SWAPPED = tuple((lat, lon) for lon, lat in SQUARE)


def round_about(lon: Any, lat: Any, radius: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"radius_m": radius},
    }


REFUSED = [
    (round_about(73.8, 18.5, 0), "1 to 50000 metres"),
    (round_about(73.8, 18.5, float("nan")), "1 to 50000 metres"),
    (round_about(73.8, 18.5, "500"), "1 to 50000 metres"),
    (round_about(73.8, 18.5, 60_000), "1 to 50000 metres"),
    (round_about(float("inf"), 18.5, 500), "centre of a circle"),
    (round_about(18.5, 73.8, 500), "swapped"),
    (round_about(77.1, 28.5, 500), "outside the city"),
    ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [73.8, 18.5]}}, "radius_m"),
    ({"type": "FeatureCollection", "features": []}, "one feature or more"),
    ({"type": "FeatureCollection", "features": "x"}, "one feature or more"),
    ({"type": "FeatureCollection", "features": [round_about(73.8, 18.5, 500)] * 101}, "at most 100"),
    (
        ring((73.8, 18.5), (73.81, 18.51), (73.81, 18.5), (73.8, 18.51), (73.8, 18.5)),
        r"Self-intersection\[73.805 18.505",
    ),
    (ring(*SQUARE[:-1]), "end where it begins"),
    (ring(*SWAPPED), "swapped"),
    (ring((77.1, 28.5), (77.2, 28.5), (77.2, 28.6), (77.1, 28.5)), "outside the city"),
    (ring((-180.1, 18.5), (73.8, 18.5), (73.8, 18.6), (-180.1, 18.5)), "-180 to 180"),
    (ring((73.8, 18.5), (180.1, 18.5), (73.8, 18.6), (73.8, 18.5)), "-180 to 180"),
    (ring((73.8, 18.5), (73.9, 18.5), (73.85, 90.1), (73.8, 18.5)), "-90 to 90"),
    (ring((73.8, 18.5), (73.8, 18.5), (73.8, 18.5), (73.8, 18.5)), "empty"),
    # Across the antimeridian: to whoever reads it as drawn, all of the world but what was meant.
    (ring((179, 18), (-179, 18), (-179, 19), (179, 19), (179, 18)), "100 km beyond the city"),
    (ring((-180, -90), (180, -90), (180, 90), (-180, 90), (-180, -90)), "100 km beyond the city"),
    (ring((73.8, 18.5), (73.81, 18.5), (73.81, 19.6), (73.8, 18.5)), "100 km beyond the city"),
    (several(SQUARE, ((2.3, 48.8), (2.4, 48.8), (2.4, 48.9), (2.3, 48.8))), "100 km beyond the city"),
    (several(SQUARE, SWAPPED), "swapped"),
    ({"type": "Point", "coordinates": [73.8, 18.5]}, "Polygon or MultiPolygon"),
    ({"type": "Polygon", "coordinates": []}, "empty|four positions"),
    ({"type": "Polygon", "coordinates": "x"}, "four positions"),
    ({"type": "Polygon", "coordinates": [[["a", "b"], [1, 2], [3, 4], ["a", "b"]]]}, "not rings"),
    (
        {
            "type": "Polygon",
            "coordinates": [[[73.8, 18.5], [float("nan"), 18.5], [73.8, 18.51], [73.8, 18.5]]],
        },
        "not rings",
    ),
    ({"type": "Feature", "geometry": None}, "Polygon or MultiPolygon"),
    ({}, "Polygon or MultiPolygon"),
]


@pytest.mark.parametrize(("drawn", "reason"), REFUSED)
def test_refused_with_the_reason(drawn: dict[str, Any], reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refusal:
        read_drawn(drawn, PUNE)
    assert refusal.value.pointer == "/area/drawn"


def test_a_feature_and_three_dimensions_are_taken() -> None:
    raised = {"type": "Feature", "properties": {}, "geometry": ring(*((lon, lat, 5.0) for lon, lat in SQUARE))}  # type: ignore[arg-type]
    assert read_drawn(raised, PUNE).shape.equals(read_drawn(ring(*SQUARE), PUNE).shape)
    assert not read_drawn(raised, PUNE).shape.has_z


def test_circles_and_polygons_are_one_shape() -> None:
    square = {"type": "Feature", "properties": {}, "geometry": ring(*SQUARE)}
    drawn = read_drawn({"type": "FeatureCollection", "features": [square, round_about(73.9, 18.5, 500)]}, PUNE)
    assert drawn.circles == (Circle(73.9, 18.5, 500),)
    assert len(shapely.get_parts(drawn.shape)) == 2
    assert drawn.shape.covers(shapely.Polygon(SQUARE))
    assert drawn.shape.contains(shapely.Point(73.9, 18.5))


def test_what_begins_upstream_and_what_lies_beside_the_city_is_taken() -> None:
    upstream = ring((73.2, 18.4), (73.8, 18.4), (73.8, 18.5), (73.2, 18.4))
    assert read_drawn(upstream, PUNE).shape.equals(shapely.geometry.shape(upstream))
    beside = several(SQUARE, ((73.5, 18.5), (73.51, 18.5), (73.51, 18.51), (73.5, 18.5)))
    assert len(shapely.get_parts(read_drawn(beside, PUNE).shape)) == 2
