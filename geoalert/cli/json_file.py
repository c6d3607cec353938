"""A JSON object that a person hands over as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geoalert.errors import Invalid


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        Invalid: no such file, or not a JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise Invalid(f"{path} is not JSON in UTF-8") from None
    except RecursionError:
        raise Invalid(f"{path} is nested too deep") from None
    if not isinstance(found, dict):
        raise Invalid(f"{path} does not hold a JSON object")
    return found
