"""From layers a city hands in to the tree of one epoch, whole or not at all. Needs the extra `geoalert[wards]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import shapely

from geoalert.errors import Invalid
from geoalert.wards.build import make_tree
from geoalert.wards.check import check, rules_of
from geoalert.wards.config import CityConfig
from geoalert.wards.config_file import read_config
from geoalert.wards.finding import Finding
from geoalert.wards.layer import Feature, read_layer
from geoalert.wards.model import Epoch, WardTree
from geoalert.wards.naming import NameRow, epoch_names, epoch_parents
from geoalert.wards.projection import Shapes, to_metres
from geoalert.wards.source import SourceUnit
from geoalert.wards.topology import clean, simplify
from geoalert.wards.words import EPOCH_LABEL, require_words

SHOWN: Final = 5
NAMED: Final = ("name_en", "name_mr", "name_hi")


@dataclass(frozen=True, slots=True)
class Imported:
    """A tree that is fit to be an epoch, what was repaired on the way, and the digest of the files' bytes."""

    tree: WardTree
    epoch: Epoch
    repairs: Mapping[str, int]
    faults: Sequence[Finding]
    sha256: str


def read_epoch(
    paths: Sequence[Path],
    folder: Path,
    label: str | None = None,
    valid_from: date | None = None,
    note: str | None = None,
) -> Imported:
    """The epoch that these files hold together, as city.toml, names.csv and what is of this epoch beside them say.

    Without a label it is the epoch of city.toml. `faults` is what `check` finds in the tree; it must be empty before
    the tree is used.

    Raises:
        Invalid: names the file, the feature and the place.
    """
    if label is not None and not EPOCH_LABEL.fullmatch(label):
        raise Invalid("an epoch's label is a few letters, digits, dots and dashes, such as 2026", pointer="/epoch")
    config = read_config(folder)
    own = label in {None, config.epoch}
    if not own and valid_from is None:
        raise Invalid("say from which day the epoch holds", pointer="/valid_from")
    words = config.note if own and note is None else note or ""
    epoch = Epoch(label or config.epoch, valid_from or config.valid_from, note=words)
    rules = rules_of(config, epoch)
    done: Counter[str] = Counter()
    features = [feature for path in paths for feature in read_layer(path, rules, done)]
    units, names = _units(features, rules, folder)
    drawn: Shapes = np.array([to_metres(unit.geometry, rules.epsg) for unit in units], dtype=object)
    width = rules.importing.gap_width_m
    done["hairline overlaps closed"] += _overlaps(drawn, [unit.code for unit in units], width)
    shapes = simplify(clean(drawn, width), 0.0, epsg=rules.epsg, decimals=rules.importing.decimals)
    tree = replace(make_tree(units, shapes, rules, names), epochs=(epoch,))
    digest = sha256(b"".join(sha256(path.read_bytes()).digest() for path in paths)).hexdigest()
    return Imported(
        tree, epoch, {what: count for what, count in sorted(done.items()) if count}, check(tree, rules), digest
    )


def require_sound(imported: Imported) -> None:
    """Refuses a tree with a fault.

    Raises:
        Invalid: the first faults in words.
    """
    faults = imported.faults
    if faults:
        first = "; ".join(f"{fault.kind}: {' '.join(fault.codes)} {fault.detail}" for fault in faults[:SHOWN])
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise Invalid(f"the layer makes a tree with {len(faults)} faults: {first}{more}")


def _units(
    features: Sequence[Feature], config: CityConfig, folder: Path
) -> tuple[list[SourceUnit], dict[str, NameRow]]:
    """The features as units in code order, and the names of all tiers."""
    names, parents = epoch_names(folder, config.epoch), epoch_parents(folder, config.epoch)
    seen: dict[str, Feature] = {}
    units = []
    for feature in features:
        raw = _value(feature, config, "code")
        if not raw:
            raise Invalid(f"{feature.where} has no code in the column {config.importing.columns['code']!r}")
        code = config.importing.code.format(code=raw, epoch=config.epoch)
        if code in seen:
            raise Invalid(f"{feature.where} has the code {code}, and so has {seen[code].where}")
        seen[code] = feature
        names[code] = _name(feature, config, names, code, raw)
        office = _above(feature, config, "office", parents.get(code) or parents.get(raw))
        zone = _above(feature, config, "zone", parents.get(office))
        for above, level in ((office, "office"), (zone, "zone")):
            row = names.get(above)
            if row is None or row.level != level:
                raise Invalid(f"{feature.where} is in the {level} {above!r}, which names.csv does not know")
        units.append(SourceUnit(code, office, zone, feature.shape))
    return sorted(units, key=lambda unit: unit.code), names


def _value(feature: Feature, config: CityConfig, field: str) -> str:
    return feature.value(config.importing.columns[field])


def _above(feature: Feature, config: CityConfig, level: str, listed: str | None) -> str:
    labels = config.importing.offices if level == "office" else config.importing.zones
    raw = _value(feature, config, level)
    found = labels.get(raw, raw) or listed
    if not found:
        raise Invalid(f"{feature.where} says no {level}, and parents-{config.epoch}.csv has none for it")
    return found


def _name(feature: Feature, config: CityConfig, names: Mapping[str, NameRow], code: str, raw: str) -> NameRow:
    """The names in the layer; where it has none, those of names.csv by code or by the layer's own label."""
    listed = names.get(code) or next((row for row in names.values() if row.source and row.source == raw), None)
    found = {field: _value(feature, config, field) or (getattr(listed, field) if listed else "") for field in NAMED}
    for field, name in found.items():
        if not name:
            raise Invalid(f"{feature.where} has no {field}, in the layer or in names.csv")
    kind = _value(feature, config, "kind") or (listed.kind if listed else config.importing.kind)
    aliases = _value(feature, config, "aliases").strip("[]").replace('"', "").replace("|", ",")
    spellings = tuple(alias.strip() for alias in aliases.split(",") if alias.strip())
    require_words({"code": code, "kind": kind, **found}, feature.where)
    return NameRow(code, "unit", kind, raw, **found, aliases=spellings or (listed.aliases if listed else ()))


def _overlaps(drawn: Shapes, names: Sequence[str], width: float) -> int:
    """How many pairs overlap by a hairline. A coverage could be made of any overlap; only one narrower than a gap
    that counts as a drawing fault says beyond doubt whose the ground is.
    """
    count = 0
    for one, two in shapely.STRtree(drawn).query(drawn, predicate="intersects").T.tolist():
        if one >= two:
            continue
        shared = drawn[one].intersection(drawn[two])
        if not shared.area:
            continue
        if not shared.buffer(-width / 2).is_empty:
            x, y = shared.representative_point().coords[0]
            raise Invalid(
                f"{names[one]} and {names[two]} both cover {shared.area:.0f} m2 near {x:.0f} {y:.0f} (metres);"
                " draw the line between them"
            )
        count += 1
    return count
