"""The first city as it is shipped: where its files are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parents[1] / "data"
PUNE: Final = DATA / "ward_boundaries" / "pune"
