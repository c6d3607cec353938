"""Joining settings, store and schema for a backup, a restore and a move."""

from __future__ import annotations

from pathlib import Path

from geoalert import __version__
from geoalert.bootstrap.folders import migration_scripts
from geoalert.bootstrap.house import keys_of_store, metadata
from geoalert.errors import Unavailable
from geoalert.operations import keeping
from geoalert.operations.needed_keys import require_keys
from geoalert.settings import Settings
from geoalert.store import KeyRing, open_store
from geoalert.store.keys import read_keys
from geoalert.store.landing import Place
from geoalert.store.loading import Carried
from geoalert.store.manifest import Manifest, read_manifest
from geoalert.store.parts import Progress


def _schema() -> keeping.Schema:
    return keeping.Schema(migration_scripts(), metadata())


async def back_up(settings: Settings, folder: Path, progress: Progress, *, with_keys: bool) -> Manifest:
    """As `operations.keeping.back_up`, of the configured store."""
    store = open_store(settings.store.url, keys_of_store(settings))
    try:
        return await keeping.back_up(store, _schema(), folder, __version__, progress, with_keys=with_keys)
    finally:
        await store.close()


async def restore(settings: Settings, folder: Path, progress: Progress, *, replace: bool) -> keeping.Restored:
    """As `operations.keeping.restore`, to where the settings say.

    Raises:
        Unavailable: a key that the backup needs is missing, or another; nothing was looked at yet.
    """
    manifest = read_manifest(folder)
    ring, to_write = _ring(settings, folder, manifest)
    place = Place(settings.store.url, ring, metadata(), replace=replace)
    return await keeping.restore(folder, manifest, place, _schema(), progress, to_write)


def _ring(settings: Settings, folder: Path, manifest: Manifest) -> tuple[KeyRing, Path | None]:
    """The configured ring, or that of the backup together with where it is to be written."""
    path = settings.store.key_file
    if path.exists() or not manifest.key_file:
        if not path.exists():
            needed = ", ".join(map(str, manifest.keys.encryption)) or "of its look-ups"
            raise Unavailable(f"there is no key file at {path}, and the backup needs the keys {needed}; bring it back")
        ring = read_keys(path)
        require_keys(manifest.keys, ring, str(path))
        return ring, None
    ring = read_keys(folder / manifest.key_file)
    require_keys(manifest.keys, ring, str(folder / manifest.key_file))
    return ring, path


async def move(settings: Settings, url: str, progress: Progress) -> list[Carried]:
    """As `operations.keeping.move`, of the configured store under its own keys."""
    ring = keys_of_store(settings)
    store = open_store(settings.store.url, ring)
    try:
        return await keeping.move(store, Place(url, ring, metadata()), _schema(), progress)
    finally:
        await store.close()
