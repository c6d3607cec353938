"""docs/requirements.md says what the tests' markers say, and a wrong marker stops the run."""

from __future__ import annotations

import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from tests import requirements_page
from tests.requirements_page import LIST, Listing, Requirement, page, read

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "requirements.md"
IDS_OF = {"S000": 26, "S001": 15, "S002": 21, "S003": 9, "S004": 17}


def collect(where: Path, written: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        [*command, f"--write-requirements={written}"], cwd=where, capture_output=True, text=True, check=False
    )


def collect_one(folder: Path, source: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Collects one test file with the plugin and the project's own settings."""
    (folder / "test_one.py").write_text(f"import pytest\n\n\n{source}", encoding="utf-8")
    written = folder / "page.md"
    settings = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-p", "tests.requirements_page")
    return collect(ROOT, written, *settings, str(folder / "test_one.py")), written


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    written = tmp_path / "requirements.md"
    answer = collect(ROOT, written)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert PAGE.read_text(encoding="utf-8") == written.read_text(encoding="utf-8"), "run: make requirements"


def test_every_id_of_the_five_documents_is_listed() -> None:
    listing = read(LIST)
    by_document = groupby(listing.requirements, key=lambda key: key[:4])
    assert {document: list(ids) for document, ids in by_document} == {
        document: [f"{document}-{number:02}" for number in range(1, count + 1)] for document, count in IDS_OF.items()
    }
    assert list(listing.documents) == list(IDS_OF)


def test_every_row_has_a_kind_and_what_is_left_out_has_a_reason() -> None:
    rows = read(LIST).requirements.values()
    assert {row.kind for row in rows} == set(requirements_page.KINDS)
    assert [row.id for row in rows if bool(row.reason) != (row.kind == requirements_page.OUT_OF_SCOPE)] == []


def test_the_page_shows_each_state() -> None:
    rows = [
        Requirement("S000-01", "M", "Told once."),
        Requirement("S000-02", "S", "Told early."),
        Requirement("S000-03", "N", "Sold.", "not ours"),
    ]
    text = page(Listing({"S000": "A document"}, {row.id: row for row in rows}), {"S000-01": {"b.py::t", "a.py::t"}})
    assert "| S000-01 | M | Told once. | shown | `a.py::t`<br>`b.py::t` |" in text
    assert "| S000-02 | S | Told early. | not yet |  |" in text
    assert "| S000-03 | N | Sold. | not for this product: not ours |  |" in text
    assert "Shown: 1 of 2; not for this product: 1." in text


def test_parameters_of_a_test_are_one_row(tmp_path: Path) -> None:
    answer, written = collect_one(
        tmp_path,
        '@pytest.mark.requirement("S002-14", "S002-12")\n'
        '@pytest.mark.parametrize("store", ["sqlite", "postgresql"])\n'
        "def test_told(store):\n    pass\n",
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    rows = [line for line in written.read_text(encoding="utf-8").splitlines() if "test_one" in line]
    assert [line.split(" | ")[0] for line in rows] == ["| S002-12", "| S002-14"]
    assert all(line.endswith("| shown | `test_one.py::test_told` |") for line in rows)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('@pytest.mark.requirement("S009-99")\ndef test_told(): pass\n', "S009-99 is not an id"),
        ("@pytest.mark.requirement()\ndef test_told(): pass\n", "names no id"),
        ("import geoalert.nowhere\n", "geoalert.nowhere"),
    ],
)
def test_a_wrong_marker_or_module_writes_nothing(source: str, words: str, tmp_path: Path) -> None:
    answer, written = collect_one(tmp_path, source)
    assert answer.returncode != 0
    assert words in answer.stdout + answer.stderr
    assert not written.exists()
