"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:  # noqa: ANN401 - any JSON value
    """One JSON document on stdout, Devanagari as it is."""
    out.file.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def progress_bar() -> Progress:
    """A bar on stderr that leaves stdout alone."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    )
