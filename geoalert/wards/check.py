"""Says what is wrong with a tree. An empty list means: fit to send alerts by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from geoalert.wards.check_coverage import check_coverage
from geoalert.wards.check_records import check_records
from geoalert.wards.config import CityConfig
from geoalert.wards.finding import KINDS, Finding
from geoalert.wards.model import Epoch, WardTree


def check(tree: WardTree, config: CityConfig) -> list[Finding]:
    """Every fault, each once, in the order of KINDS and then of codes. Never raises for what a tree holds."""
    found = {*check_records(tree, config), *check_coverage(tree, config)}
    order = list(KINDS)
    return sorted(found, key=lambda finding: (order.index(finding.kind), finding.codes, finding.detail))


def rules_of(config: CityConfig, epoch: Epoch) -> CityConfig:
    """What the tree of that epoch is held against: figures published for what was before say nothing of it."""
    own = epoch.label == config.epoch
    return replace(
        config,
        epoch=epoch.label,
        valid_from=epoch.valid_from,
        leaving=config.leaving if own else (),
        expected=tuple(row for row in config.expected if row.since >= epoch.valid_from),
    )


def summary(findings: Sequence[Finding]) -> list[tuple[str, str, int, str]]:
    """One row for each kind of fault: kind, what it means, how many, the first in words; none left out."""
    counts = Counter(finding.kind for finding in findings)
    first = {finding.kind: f"{' '.join(finding.codes)} {finding.detail}".strip() for finding in reversed(findings)}
    return [(kind, meaning, counts[kind], first.get(kind, "")) for kind, meaning in KINDS.items()]
