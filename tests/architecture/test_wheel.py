"""The wheel carries all that running needs: it works from an empty folder, with the checkout out of reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from geoalert import __version__

ROOT = Path(__file__).parents[2]
DIST = f"geoalert-{__version__}.dist-info"
NEEDED = (
    "api/main.py",
    "geoalert/cli/main.py",
    "geoalert/data/categories.toml",
    "geoalert/data/ward_boundaries/pune/city.toml",
    "geoalert/data/ward_boundaries/pune/units.geojson",
    "geoalert/migrations/env.py",
    "geoalert/py.typed",
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    [built] = folder.glob("geoalert-*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def run(unpacked: Path, tmp_path: Path) -> Run:
    """Runs Python in an empty folder; -S leaves out the link by which an editable install finds the checkout."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GEOALERT_", "PYTHON"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(unpacked), sysconfig.get_path("purelib")])

    def start(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", "-P", "-c", code, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return start


@pytest.fixture
def geoalert(run: Run, unpacked: Path) -> Run:
    """The console script, by the wheel's own entry point."""
    points = ConfigParser()
    points.read(unpacked / DIST / "entry_points.txt", encoding="utf-8")
    module, name = points["console_scripts"]["geoalert"].split(":")
    code = f"import sys; sys.argv[0] = 'geoalert'; from {module} import {name}; {name}()"
    return lambda *arguments: run(code, *arguments)


def test_the_wheel_holds_code_data_and_migrations_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert [name for name in NEEDED if name not in names] == []
    assert [name for name in names if name.startswith("geoalert/migrations/versions/") and name.endswith(".py")]
    assert {name.split("/")[0] for name in names} == {"geoalert", "api", DIST}
    assert [name for name in names if "tests" in name.split("/") or name.endswith(".pyc")] == []
    assert f"{DIST}/licenses/LICENSE" in names


def test_the_checkout_is_out_of_reach(run: Run, unpacked: Path) -> None:
    answer = run("import geoalert, sys; print(geoalert.__file__); print(*sys.path, sep='\\n')")
    file, *paths = answer.stdout.splitlines()
    assert Path(file).is_relative_to(unpacked), answer.stderr
    assert str(ROOT) not in paths


def test_the_command_explains_itself(geoalert: Run) -> None:
    answer = geoalert("--help")
    assert answer.returncode == 0, answer.stderr
    assert "locate" in answer.stdout


def test_a_place_in_kothrud_belongs_to_its_office(geoalert: Run) -> None:
    answer = geoalert("locate", "18.5074", "73.8077", "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["office_code"] == "kothrud-bavdhan"
    assert found["office"] == "Kothrud-Bavdhan"
    assert (found["zone"], found["zone_code"]) == (2, "Z2")
