"""The compiled loops as a whole: who uses them, what they take for granted, and what happens without them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geoalert import compiled
from geoalert.audience import marks
from geoalert.audience.cover import CELL, COLUMN, MARGIN, Cover
from geoalert.audience.everybody import Persons
from geoalert.audience.grid import Grid, Places
from geoalert.audience.overlay import Overlay
from geoalert.audience.rules import members, sieve_of
from geoalert.compiled import covering, passes
from geoalert.compiled.listing import KINDS, SIGNATURES
from geoalert.dispatch.dealing import dealt
from geoalert.dispatch.owners import BITS, MORE, shared_out
from geoalert.subscribers import attributes, cells

ROOT = Path(__file__).parents[3]
WEST, SOUTH = 738_000_000, 185_000_000
MEMBER = 1 << 7 | 1 << 8 | 1 << 4 | 1 << 31
FIND = """
import logging, sys
logging.basicConfig(level=logging.INFO)
from geoalert import compiled
print(compiled.prepare())
compiled.switch(on=True)
print(compiled.loops() is not None)
"""


def crowded_square(people: int, side: int = 20_000, apart: int = 1) -> Grid:
    """People at the whole units of a square, one place each; their ids so far apart."""
    chance = np.random.default_rng(11)
    x, y = WEST + chance.integers(0, side, people), SOUTH + chance.integers(0, side, people)
    ids = np.arange(1, people + 1) * apart
    return Grid.build(Persons(ids, np.full(people, MEMBER), np.ones(people, dtype=np.int64)), Places(ids, x, y))


def test_the_numbers_written_out_are_those_of_the_product() -> None:
    assert (passes.SHIFT, passes.ROW) == (cells.SHIFT, cells.ROW)
    assert (covering.SHIFT, covering.ROW, covering.CELL) == (cells.SHIFT, cells.ROW, CELL)
    assert (covering.SCALE, covering.X_ORIGIN, covering.Y_ORIGIN) == (cells.SCALE, cells.X_ORIGIN, cells.Y_ORIGIN)
    assert (covering.MARGIN, int(covering.EASTERN)) == (MARGIN, COLUMN)
    assert (passes.WITHIN, passes.COLUMN) == (marks.WITHIN, marks.COLUMN)
    shift, mask = attributes.MIN_SEVERITY
    assert mask << shift == passes.SEVERITY_BITS
    assert (passes.STEP_BITS, passes.MORE, passes.LOWEST) == (BITS, MORE, MORE - 1)


@pytest.mark.parametrize("file", [covering.__file__, passes.__file__])
def test_no_number_comes_from_a_file_that_numba_does_not_look_at(file: str) -> None:
    lines = [line.strip() for line in Path(file).read_text(encoding="utf-8").splitlines()]
    ours = [line for line in lines if line.startswith(("import", "from")) and "geoalert" in line]
    assert ours == ["from geoalert.compiled.listing import loop"]


def test_finding_choosing_and_planning_use_every_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.prepare()
    used: Counter[str] = Counter()

    def counted(name: str, loop: Callable[..., int]) -> Callable[..., int]:
        def run(*arguments: Any) -> int:
            used[name] += 1
            return loop(*arguments)

        return run

    names = [field.name for field in fields(compiled.Loops)]
    assert names == list(SIGNATURES)
    ready = compiled._of_this_process.ready
    watched = compiled.Loops(**{name: counted(name, getattr(ready, name)) for name in names})
    monkeypatch.setattr(compiled._of_this_process, "ready", watched)
    monkeypatch.setattr(compiled._of_this_process, "on", True)
    overlay = Overlay(crowded_square(500, apart=9), {9: None})
    area = shapely.Point((WEST + 10_000) / cells.SCALE, (SOUTH + 10_000) / cells.SCALE).buffer(7_000 / cells.SCALE)
    assert len(Cover.of(area.buffer(1)).runs) > 1_000
    people = overlay.view().people(Cover.of(area))
    assert len(overlay.view().people(Cover.of(area), sieve_of(0, "Minor", {1}))) == len(people)
    assert len(overlay.base.people_at(overlay.base.slots_of(people.subscriber))) == len(people)
    told = members(people, 0, "Minor", {1}, datetime(2026, 11, 21, tzinfo=UTC), UTC).members
    list(dealt(told.subscriber & 1, told.subscriber))
    shared_out(told.subscriber, 100)
    assert len(told) > 50
    assert [name for name in names if not used[name]] == []


@pytest.mark.parametrize("corners", [40, 300, 3 * marks.CROWDED])
def test_many_corners_in_one_cell(corners: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.prepare()
    grid = crowded_square(3_000, side=3_000)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = 1_000 + 400 * np.sin(turn * corners / 3)
    ring = np.column_stack([WEST + 1_500 + reach * np.cos(turn), SOUTH + 1_500 + reach * np.sin(turn)]) / cells.SCALE
    area = shapely.Polygon(ring)
    assert area.is_valid
    found = []
    for on in (False, True):
        monkeypatch.setattr(compiled._of_this_process, "on", on)
        found.append(grid.people(Cover.of(area)).subscriber.tolist())
    assert found[0] == found[1]
    assert 100 < len(found[0]) < 2_900


def test_arrays_that_may_not_be_written_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.prepare()
    monkeypatch.setattr(compiled._of_this_process, "on", True)
    grid = crowded_square(100)
    slots = np.arange(100)
    slots.setflags(write=False)
    people = grid.people_at(slots)
    for column in (people.subscriber, people.attr, people.categories):
        column.setflags(write=False)
    assert len(members(people, 0, "Minor", {1}, datetime(2026, 11, 21, tzinfo=UTC), UTC).members) == 100


def found_in_a_process(code: str = FIND, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=True
    )


def test_where_no_folder_can_be_written_they_are_compiled_all_the_same(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    answer = found_in_a_process(NUMBA_CACHE_DIR=str(nowhere), NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator")
    assert answer.stdout.split() == ["True", "True"]
    assert "not kept" in answer.stderr


def test_what_was_kept_is_used_and_damage_to_it_does_no_harm(tmp_path: Path) -> None:
    first = found_in_a_process(NUMBA_CACHE_DIR=str(tmp_path))
    kept = sorted(tmp_path.rglob("*.nbc"))
    written = [path.stat().st_mtime_ns for path in kept]
    assert len(kept) == sum(len(KINDS) if "kind[" in words else 1 for _, words in SIGNATURES.values())
    again = found_in_a_process(NUMBA_CACHE_DIR=str(tmp_path))
    assert [path.stat().st_mtime_ns for path in kept] == written
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    damaged = found_in_a_process(NUMBA_CACHE_DIR=str(tmp_path))
    assert [answer.stdout.split() for answer in (first, again, damaged)] == [["True", "True"]] * 3
    assert ["not kept" in answer.stderr for answer in (first, again, damaged)] == [False, False, True]


@pytest.mark.parametrize(
    ("code", "environment"),
    [("import sys\nsys.modules['numba'] = None\n" + FIND, {}), (FIND, {"NUMBA_DISABLE_JIT": "1"})],
)
def test_without_numba_numpy_goes_on(code: str, environment: dict[str, str]) -> None:
    answer = found_in_a_process(code, **environment)
    assert answer.stdout.split() == ["False", "False"]
    assert "Traceback" not in answer.stderr
