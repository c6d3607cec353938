"""`geoalert` as a person types it, in this process: quicker than one of its own for each command (`tests.e2e`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from geoalert.cli.main import run


class Said(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Said]


@pytest.fixture
def geoalert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in an empty folder, with nobody's settings."""
    for name in [name for name in os.environ if name.startswith("GEOALERT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def said(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["geoalert", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            run()
        return Said(int(left.value.code or 0), *capsys.readouterr())

    return said
