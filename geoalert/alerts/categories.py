"""What alerts are about, from `data/categories.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Category:
    key: str
    bit: int
    cap: str  # CAP 1.2 category
    event: str  # OASIS event term
    department: str
    names: Mapping[str, str]


def load_categories(path: Path) -> Mapping[str, Category]:
    """Every category by its key. Bits are unique; a file that repeats one is refused with ValueError."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    categories = {
        key: Category(key, table["bit"], table["cap"], table["event"], table["department"], table["names"])
        for key, table in raw.items()
    }
    if len({category.bit for category in categories.values()}) != len(categories):
        msg = f"{path.name}: two categories share a bit"
        raise ValueError(msg)
    return MappingProxyType(categories)
