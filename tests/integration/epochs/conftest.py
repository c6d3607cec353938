"""A house in the second city, which is there by data alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoalert.bootstrap import House
from geoalert.settings import Settings
from tests.integration.epochs.second_epochs import bring
from tests.second_city import (
    KEY,
    OFFICES_SECOND,
    SECOND,
    features,
    folder_of,
    make_city,
    write_layer,
)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The second city, by data alone."""
    assert settings.city.key == "pune"
    monkeypatch.setenv("GEOALERT_CITY_DATA", str(make_city(tmp_path / "data")))
    monkeypatch.setenv("GEOALERT_CITY_KEY", KEY)
    return Settings()


@pytest.fixture
async def first(house: House, tmp_path: Path) -> House:
    begun = await bring(house, write_layer(tmp_path / "first.geojson", features()))
    assert begun.counts == {"zone": 1, "office": 2, "unit": 6}
    await house.refresh()
    return house


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """The second city's own folder, without a house."""
    return folder_of(make_city(tmp_path / "data"))


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return write_layer(tmp_path / "second.geojson", features(SECOND, OFFICES_SECOND))
