"""The house rules a machine can see. Every check returns its findings, and is shown here to find a planted one."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ("geoalert", "api")
BESIDE = ("tests", "bench")  # read as often as the library is
LONGEST = 300
SAYS_NOTHING = frozenset({"utils", "util", "helpers", "helper", "common", "managers", "manager", "misc"})

# Rooms whose decisions about leases, expiry and order use the database's clock; `now` is given to them.
CLOCKLESS = ("dispatch", "audience", "alerts", "subscribers", "departments")
CLOCKS = frozenset(["datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"])
MAY_READ_A_CLOCK: frozenset[str] = frozenset()  # paths under the root; each needs a reason beside it

# Written so that no pattern, and no planted fault below, finds itself.
UNWANTED = {
    "a package registry": re.compile(r"(?<![\w-])(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com)"),
    "a registry option": re.compile(r'(?<!no-emit-)index[-]url|registry = ["]http|["]resolved["]: ["]http'),
    "a link to a package": re.compile(r"https?://[^\"\s]+\.(?:whl|tar\.gz)"),
    "a path of one machine": re.compile(r"(?<![\w.}>/])/(?:work|home|root|Users)/[\w.]"),
}
PINNED = re.compile(r"[\w.-]+(?:\[[\w,-]+\])?==[\w.!+-]+(?:\s*;[^\\]*)?(?:\s+--hash=sha256:[0-9a-f]{64})+")


def modules(root: Path, *folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


def long_files(root: Path) -> list[str]:
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(root, *LIBRARY, *BESIDE)}
    return [f"{path.relative_to(root)}: {count} lines" for path, count in counts.items() if count > LONGEST]


def _imports(function: ast.AST) -> Iterator[int]:
    """The lines on which a function imports."""
    for node in ast.walk(function):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Call(func=ast.Name(id="__import__")):
                yield node.lineno


def hidden_imports(root: Path) -> list[str]:
    found = set()
    for path in modules(root, *LIBRARY):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                found |= {f"{path.relative_to(root)}:{line}" for line in _imports(node)}
    return sorted(found)


def empty_names(root: Path) -> list[str]:
    paths = [path.relative_to(root) for path in modules(root, *LIBRARY, *BESIDE, "alembic")]
    return [str(path) for path in paths if SAYS_NOTHING & {*path.parts[:-1], path.stem}]


def hidden_library(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in (root / "alembic").glob("__init__.py")]


def broken_contracts(root: Path) -> list[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", "pyproject.toml", "--no-cache"]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return [] if answer.returncode == 0 else [answer.stdout + answer.stderr]


def _names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def clock_reads(root: Path) -> list[str]:
    found = []
    for path in modules(root, *(f"geoalert/{room}" for room in CLOCKLESS)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = _names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
                first, _, rest = ast.unparse(node).partition(".")
                full = f"{names.get(first, first)}.{rest}".strip(".")
                if ".".join(full.split(".")[-2:]) in CLOCKS:
                    found.append(f"{path.relative_to(root)}:{node.lineno}")
    return sorted(set(found))


def own_files(root: Path) -> Iterator[Path]:
    """Every file that can be committed: what .gitignore names, and any environment, is left out."""
    ignored = [line.strip("/") for line in (root / ".gitignore").read_text(encoding="utf-8").split()]
    pending = [root]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.name == ".git" or any(fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir() and not path.is_symlink():
                if not (path / "pyvenv.cfg").exists():
                    pending.append(path)
            elif path.is_file():
                yield path


def unwanted_text(root: Path) -> list[str]:
    found = []
    for path in own_files(root):
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            found += [
                f"{path.relative_to(root)}:{number}: {what}" for what, is_in in UNWANTED.items() if is_in.search(line)
            ]
    return found


def unpinned(root: Path) -> list[str]:
    text = (root / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split(" #")[0].strip() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    faults = [line[:80] for line in lines if not PINNED.fullmatch(line) or "://" in line]
    return faults if lines else ["nothing is pinned"]


CHECKS: tuple[Callable[[Path], list[str]], ...] = (
    long_files,
    hidden_imports,
    empty_names,
    hidden_library,
    broken_contracts,
    unwanted_text,
    unpinned,
)


@pytest.mark.parametrize("check", CHECKS)
def test_the_house_keeps_its_rules(check: Callable[[Path], list[str]]) -> None:
    assert check(ROOT) == []


def test_guards_read_the_database_clock() -> None:
    assert [found for found in clock_reads(ROOT) if found.split(":")[0] not in MAY_READ_A_CLOCK] == []


@pytest.mark.parametrize("room", [*LIBRARY, *BESIDE, *(f"geoalert/{room}" for room in CLOCKLESS)])
def test_no_check_looks_at_an_empty_room(room: str) -> None:
    assert modules(ROOT, room)


# Planted faults.

HASH = "--hash=sha256:" + "0" * 64
FAULTS = [
    (long_files, "api/v1/alerts.py", "x = 1\n" * (LONGEST + 1)),
    (long_files, "tests/unit/wards/test_index.py", "x = 1\n" * (LONGEST + 1)),
    (long_files, "bench/locate.py", "x = 1\n" * (LONGEST + 1)),
    (hidden_imports, "geoalert/wards/index.py", "def f():\n    import json\n"),
    (hidden_imports, "api/main.py", "class A:\n    async def f(self):\n        from geoalert import wards\n"),
    (hidden_imports, "api/main.py", "f = lambda: __import__('json')\n"),
    (empty_names, "geoalert/wards/utils.py", ""),
    (empty_names, "tests/helpers/people.py", ""),
    (hidden_library, "alembic/__init__.py", ""),
    (clock_reads, "geoalert/dispatch/lease.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)\n"),
    (clock_reads, "geoalert/alerts/expiry.py", "import datetime as dt\nnow = dt.datetime.utcnow()\n"),
    (clock_reads, "geoalert/audience/rules.py", "from time import time\nnow = time()\n"),
    (clock_reads, "geoalert/subscribers/consent.py", "import time\nclock = time.time\n"),
    (clock_reads, "geoalert/departments/officers.py", "from datetime import date\ntoday = date.today()\n"),
    (unwanted_text, "README.md", "See https://" + "py" + "pi.org/project/geoalert\n"),
    (unwanted_text, "Makefile", "pip install --extra-index" + "-url somewhere\n"),
    (unwanted_text, "package-lock.json", '{"resolved": "' + 'http://somewhere"}\n'),
    (unwanted_text, "docs/setup.md", "pip install https://example.org/geoalert.wh" + "l\n"),
    (unwanted_text, "tests/conftest.py", "STORE = '/wor" + "k/main/var'\n"),
    (unwanted_text, ".ci/run", "cd /hom" + "e/someone/geoalert\n"),
    (unpinned, "requirements.lock", "numpy==2.2.0\n"),
    (unpinned, "requirements.lock", f"numpy>=2.2.0 {HASH}\n"),
    (unpinned, "requirements.lock", f"--find-links somewhere\nnumpy==2.2.0 {HASH}\n"),
    (unpinned, "requirements.lock", f"numpy @ https://example.org/numpy {HASH}\n"),
    (unpinned, "requirements.lock", "\n"),
]


def plant(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize(("check", "name", "content"), FAULTS)
def test_a_planted_fault_is_found(check: Callable[[Path], list[str]], name: str, content: str, tmp_path: Path) -> None:
    plant(tmp_path, ".gitignore", ".venv/\n")
    plant(tmp_path, "requirements.lock", f"numpy==2.2.0 \\\n    {HASH} \\\n    {HASH}\n    # via geoalert\n")
    plant(tmp_path, "geoalert/wards/tree.py", "import json\n\nimport time\n\nstart = time.monotonic()\n")
    assert check(tmp_path) == []
    plant(tmp_path, name, content)
    [fault] = check(tmp_path)
    assert check is unpinned or fault.startswith(name)


def test_what_is_never_committed_is_not_read(tmp_path: Path) -> None:
    plant(tmp_path, ".gitignore", "var/\n*.egg-info/\n")
    for folder in ("var", "geoalert.egg-info", ".git", "env"):
        plant(tmp_path, f"{folder}/notes.txt", "/hom" + "e/someone/notes\n")
    plant(tmp_path, "env/pyvenv.cfg", "")
    assert unwanted_text(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("geoalert/wards/tree.py", "import geoalert.audience\n"),
        ("geoalert/departments/officers.py", "import geoalert.subscribers\n"),
        ("geoalert/dispatch/worker.py", "import geoalert.sandbox\n"),
        ("geoalert/dispatch/channels/sms.py", "import sqlalchemy\n"),
    ],
)
def test_a_planted_import_upwards_breaks_a_contract(name: str, content: str, tmp_path: Path) -> None:
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    plant(tmp_path, "pyproject.toml", config)
    for contract in tomllib.loads(config)["tool"]["importlinter"]["contracts"]:
        rooms = [*contract.get("layers", []), *contract.get("source_modules", []), "geoalert.sandbox"]
        for room in " | ".join(rooms).split(" | "):
            plant(tmp_path, f"{room.replace('.', '/')}/__init__.py", "")
    plant(tmp_path, "geoalert/__init__.py", "")
    plant(tmp_path, "geoalert/store/base.py", "import fastapi\nimport sqlalchemy\n")  # externals must be known
    assert broken_contracts(tmp_path) == []
    plant(tmp_path, name, content)
    assert broken_contracts(tmp_path) != []
