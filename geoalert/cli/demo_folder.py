"""The demo's folder: its own store, and settings that later commands beside it find."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from geoalert.errors import Conflict, Unavailable

MARK = "demo.toml"
HOUR = 10  # of the demo's morning, India's time
ZONE = ZoneInfo("Asia/Kolkata")
OURS = ("geoalert.db", "geoalert.db-wal", "geoalert.db-shm", "keys.json", "sandbox.json", MARK)


def free_port(host: str) -> int:
    """A port nobody listens on."""
    with socket.create_server((host, 0)) as bound:
        port: int = bound.getsockname()[1]
    return port


def prepare(folder: Path, host: str, port: int, sandbox_port: int) -> None:
    """Empties what an earlier demo left and writes the settings of this one.

    Raises:
        Conflict: the folder holds a store that no demo made; it is left alone.
        Unavailable: the folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        if (folder / "geoalert.db").exists() and not (folder / MARK).exists():
            raise Conflict(f"{folder}/ holds a store that is not a demo's; run the demo in another folder")
        for name in OURS:
            (folder / name).unlink(missing_ok=True)
        (folder / MARK).write_text(_settings(folder, host, port, sandbox_port), encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"cannot write {folder}/: {error.strerror}") from None


def _settings(folder: Path, host: str, port: int, sandbox_port: int) -> str:
    now = datetime.now(UTC)
    morning = now.astimezone(ZONE).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return f"""# Written by `geoalert demo`; commands run beside it use these. Sandbox inbox: http://{host}:{sandbox_port}/
[store]
url = "sqlite:///{folder}/geoalert.db"
key_file = "{folder}/keys.json"
clock_shift = {(morning - now).total_seconds()}

[api]
host = "{host}"
port = {port}

[sandbox]
credentials = "{folder}/sandbox.json"
"""
