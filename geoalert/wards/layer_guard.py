"""What a file must be before a reader of maps may open it: small, of a known kind, without a way out of itself.

The kind is told by the name and held against the content, for readers go by content: a file called `.geojson` that
is a virtual layer would make one open whatever it names.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from geoalert.errors import Invalid
from geoalert.wards.geojson_guard import require_geojson

LIMIT: Final = 100_000_000  # bytes of a file, or of all that a zip holds
MEMBERS: Final = 64
CHUNK: Final = 1 << 20
GPKG: Final = b"SQLite format 3\x00"
SHP: Final = (9994).to_bytes(4, "big")
# Parts of a Shapefile; whatever else a zip holds stays in it.
SIDE_FILES: Final = frozenset({".shx", ".dbf", ".prj", ".cpg"})
ENTITY: Final = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
PROLOG: Final = re.compile(r"\s*(<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
ROOT: Final = re.compile(r"<(\w+:)?kml[\s>]")


def read_utf8(path: Path) -> str:
    """The text of a file.

    Raises:
        Invalid: a byte that is not UTF-8, with its line.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = raw.count(b"\n", 0, broken.start) + 1
        raise Invalid(
            f"{path.name} line {line} is not UTF-8 (byte {raw[broken.start]:#04x}); it may be Windows-1252:"
            " save it as UTF-8"
        ) from None


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The layer itself, out of its zip where it is in one; gone when the block ends.

    Raises:
        Invalid: too large, of no known kind, not what its name says, or a trap.
    """
    if not path.is_file():
        raise Invalid(f"there is no file {path.name}")
    _bounded(path)
    if path.suffix.lower() not in {".zip", ".kmz"}:
        _look(path)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="geoalert-layer-") as folder:
        layer = _unpacked(path, Path(folder))
        _look(layer)
        yield layer


def _bounded(path: Path) -> None:
    parts = [path.with_suffix(suffix) for suffix in SIDE_FILES] if path.suffix.lower() == ".shp" else []
    size = sum(part.stat().st_size for part in (path, *parts) if part.exists())
    if size > LIMIT:
        raise Invalid(f"{path.name} has {size // 1_000_000} MB; at most {LIMIT // 1_000_000}")


def _look(path: Path) -> None:
    looks = LOOKS.get(path.suffix.lower())
    if looks is None:
        raise Invalid(f"{path.name} is of no kind that is read; give {', '.join(LOOKS)}, .zip or .kmz")
    looks(path)


def _geojson(path: Path) -> None:
    require_geojson(read_utf8(path), path)


def _kml(path: Path) -> None:
    text = read_utf8(path)
    trap = ENTITY.search(text)
    if trap:
        line = text.count("\n", 0, trap.start()) + 1
        raise Invalid(f"{path.name} line {line} declares {trap[1].upper()}; a KML that defines entities is not read")
    start = PROLOG.match(text)
    if not ROOT.match(text, start.end() if start else 0):
        raise Invalid(f"{path.name} is not KML: its root is another")


def _begins(magic: bytes, kind: str) -> Callable[[Path], None]:
    def look(path: Path) -> None:
        with path.open("rb") as file:
            if file.read(len(magic)) != magic:
                raise Invalid(f"{path.name} is not a {kind}")

    return look


def _csv(path: Path) -> None:
    read_utf8(path)
    raise Invalid(f"{path.name} holds no lines on a map; a CSV gives names only, beside city.toml")


LOOKS: Final[Mapping[str, Callable[[Path], None]]] = {
    ".geojson": _geojson,
    ".json": _geojson,
    ".gpkg": _begins(GPKG, "GeoPackage"),
    ".shp": _begins(SHP, "Shapefile"),
    ".kml": _kml,
    ".csv": _csv,
}
LAYERS: Final = frozenset(LOOKS) - {".csv"}


def _unpacked(path: Path, folder: Path) -> Path:
    """The one layer of a zip, written out while counting: a header's word for its size is not taken."""
    left = LIMIT
    layers = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MEMBERS:
                raise Invalid(f"{path.name} holds {len(members)} files; at most {MEMBERS}")
            for member in members:
                inside = PurePosixPath(member.filename)
                suffix = inside.suffix.lower()
                if inside.name.startswith(".") or "__MACOSX" in inside.parts or suffix not in LAYERS | SIDE_FILES:
                    continue
                target = folder / inside.name  # its folders are not followed, so it cannot leave ours
                if target.exists():
                    raise Invalid(f"{path.name} holds {inside.name} twice")
                left -= _write(archive, member, target, left)
                layers += [target] if suffix in LAYERS else []
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as broken:
        raise Invalid(f"{path.name} cannot be unpacked") from broken
    if len(layers) != 1:
        raise Invalid(f"{path.name} holds {len(layers)} layers; give one in each zip")
    return layers[0]


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int) -> int:
    written = 0
    with archive.open(member) as packed, target.open("xb") as out:
        while chunk := packed.read(CHUNK):
            written += len(chunk)
            if written > left:
                raise Invalid(
                    f"{archive.filename and Path(archive.filename).name} unpacks to more than {LIMIT // 1_000_000} MB"
                )
            out.write(chunk)
    return written
