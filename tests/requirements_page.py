"""Joins the city's requirements with the tests that show them; writes docs/requirements.md on request.

A test names what it shows by `@pytest.mark.requirement("S002-14", ...)`. An id that docs/requirements.toml does not
list is an error at collection, so that a slip of the pen cannot pass for a requirement shown.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

LIST = Path(__file__).parents[1] / "docs" / "requirements.toml"
OUT_OF_SCOPE = "N"
KINDS = {"M": "must", "S": "should", OUT_OF_SCOPE: "not for this product"}
COLUMNS = ["| Id | Kind | What it asks | State | Tests |", "|---|---|---|---|---|"]
HEAD = """\
# The city's requirements, and the tests that show them

Written by `make requirements` from the tests' markers and `docs/requirements.toml`; not edited by hand.
*Shown* means that at least one test carries the id; read the test for how much of it is shown.
Kinds: {kinds}. Shown: {shown} of {wanted}; not for this product: {outside}.
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    kind: str
    says: str
    reason: str = ""

    def state(self, tests: Iterable[str]) -> str:
        if self.kind == OUT_OF_SCOPE:
            return f"not for this product: {self.reason}"
        return "shown" if tests else "not yet"


@dataclass(frozen=True, slots=True)
class Listing:
    documents: Mapping[str, str]
    requirements: Mapping[str, Requirement]


def read(path: Path) -> Listing:
    """The list, in the file's order."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {key: Requirement(key, **row) for key, row in content["requirements"].items()}
    return Listing(content["documents"], rows)


def page(listing: Listing, tests: Mapping[str, set[str]]) -> str:
    """The whole page, as Markdown."""
    rows = listing.requirements.values()
    wanted = [row for row in rows if row.kind != OUT_OF_SCOPE]
    lines = [
        HEAD.format(
            kinds=", ".join(f"{letter} {meaning}" for letter, meaning in KINDS.items()),
            shown=sum(row.id in tests for row in wanted),
            wanted=len(wanted),
            outside=len(rows) - len(wanted),
        )
    ]
    for document, title in listing.documents.items():
        lines += [
            f"## {document}: {title}",
            "",
            "| Id | Kind | What it asks | State | Tests |",
            "|---|---|---|---|---|",
        ]
        for row in rows:
            if row.id.startswith(f"{document}-"):
                names = sorted(tests.get(row.id, ()))
                cells = (row.id, row.kind, row.says, row.state(names), "<br>".join(f"`{name}`" for name in names))
                lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def marked(items: Iterable[pytest.Item], listing: Listing) -> dict[str, set[str]]:
    """The tests of each id, without their parameters.

    Raises:
        pytest.UsageError: a marker is empty or names an id that is not listed.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        name = item.nodeid.split("[")[0]
        for marker in item.iter_markers("requirement"):
            if not marker.args:
                raise pytest.UsageError(f"{name}: the requirement marker names no id")
            for key in marker.args:
                if key not in listing.requirements:
                    raise pytest.UsageError(f"{name}: {key} is not an id in docs/{LIST.name}")
                found[key].add(name)
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-requirements", metavar="PATH", help="write the page of requirements and their tests")


@pytest.hookimpl(tryfirst=True)  # before -k and -m take tests away
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    listing = read(LIST)
    tests = marked(items, listing)
    path: str | None = config.getoption("--write-requirements")
    if path and not session.testsfailed:  # a module that cannot be imported would leave its tests out
        Path(path).write_text(page(listing, tests), encoding="utf-8")
