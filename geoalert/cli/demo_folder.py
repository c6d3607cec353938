"""The demo's own folder: its store, keys and settings, apart from anything real."""

from __future__ import annotations

import os
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from geoalert.errors import Unavailable
from geoalert.settings import DEMO_FILE, VARIABLE

HOUR = 10  # of the demo's morning, India's time
ZONE = ZoneInfo("Asia/Kolkata")
FOLDER = Path(DEMO_FILE).parent


def free_port(host: str) -> int:
    """A port nobody listens on."""
    with socket.create_server((host, 0)) as bound:
        port: int = bound.getsockname()[1]
    return port


def prepare(host: str, port: int, sandbox_port: int) -> None:
    """Replaces an earlier demo's folder and makes its settings the only ones this process and its children see: a
    demo never touches a real store, whatever is configured.

    Raises:
        Unavailable: the folder cannot be written.
    """
    try:
        if FOLDER.exists():
            shutil.rmtree(FOLDER)
        FOLDER.mkdir(parents=True)
        Path(DEMO_FILE).write_text(_settings(host, port, sandbox_port), encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"cannot write {FOLDER}/: {error.strerror}") from None
    for name in [name for name in os.environ if name.startswith("GEOALERT_")]:
        del os.environ[name]
    os.environ[VARIABLE] = DEMO_FILE


def _settings(host: str, port: int, sandbox_port: int) -> str:
    now = datetime.now(UTC)
    morning = now.astimezone(ZONE).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return f"""# Written by `geoalert demo`. Sandbox inbox: http://{host}:{sandbox_port}/
[store]
url = "sqlite:///{FOLDER}/geoalert.db"
key_file = "{FOLDER}/keys.json"
clock_shift = {(morning - now).total_seconds()}

[api]
host = "{host}"
port = {port}

[sandbox]
credentials = "{FOLDER}/sandbox.json"
"""
