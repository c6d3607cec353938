"""What finds an audience in a process that stays: the compiled loops once they are ready, if the setting lets them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from geoalert import compiled
from geoalert.bootstrap import open_house
from geoalert.settings import Settings
from tests.stores import Stores
from tests.waiting import until


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Whether compiled loops are used is one switch in a process."""
    was_on = compiled.loops() is not None
    yield
    compiled.switch(on=was_on)


async def test_the_store_answers_first_and_the_compiled_loops_at_last(settings: Settings, stores: Stores) -> None:
    await stores.fill(settings)
    async with open_house(settings, live=True) as house:
        assert house.finds_by == "store"
        await until(lambda: house.finds_by == "compiled grid", "the loops are ready", 60)


async def test_the_setting_leaves_it_to_numpy(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stores.fill(settings)
    assert compiled.prepare()
    monkeypatch.setenv("GEOALERT_AUDIENCE_COMPILED", "false")
    async with open_house(Settings(), live=True) as house:
        await until(lambda: house.finds_by != "store", "the grid is loaded", 20)
        assert house.finds_by == "grid"


async def test_a_command_is_not_kept_waiting_for_them(settings: Settings, stores: Stores) -> None:
    await stores.fill(settings)
    async with open_house(settings) as house:
        assert house.finds_by == "store"
