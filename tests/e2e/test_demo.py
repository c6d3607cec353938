"""The issue's promise: from an empty folder to people told, proved without any of our own code."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.e2e.commands import PERSONAL, environment, run, running
from tests.e2e.conftest import Shown
from tests.e2e.warm import shell
from tests.waiting import until

PROOF = "Nobody outside was told, and nobody twice."
OUTCOMES = (
    "pending", "held", "sending", "uncertain", "accepted", "failed", "delivered", "suppressed", "cancelled", "expired",
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"
SCALE = 1e7


@pytest.mark.requirement("S002-14")
def test_the_demo_proves_itself(shown: Shown) -> None:
    assert shown.ran.code == 0, shown.ran.err
    assert PROOF in shown.ran.out.splitlines()
    assert "Traceback" not in shown.ran.err
    for channel in ("push", "sms", "post"):
        line = re.search(rf"{channel}: the sandbox holds (\d+), our ledger (\d+) .*told twice: 0", shown.ran.out)
        assert line is not None, channel
        assert int(line[1]) == int(line[2]) > 0


@pytest.mark.requirement("S000-04")
async def test_the_report_balances(shown: Shown) -> None:
    report = (await run("report", "--json", cwd=shown.folder, name="report")).document
    assert report["balanced"]
    messages = [message for alert in report["alerts"] for message in alert["messages"]]
    assert [message["msg_type"] for message in messages] == ["Alert", "Alert", "Cancel"]
    for message in messages:
        assert message["balanced"]
        assert set(message["channels"]) == {"push", "sms", "post"}
        for counts in message["channels"].values():
            assert counts["balanced"]
            assert counts["audience"] == sum(counts[name] for name in OUTCOMES) > 0
            assert counts["pending"] == counts["sending"] == counts["uncertain"] == 0
        assert message["audience"] == sum(counts["audience"] for counts in message["channels"].values())


@dataclass
class Ledger:
    """What one message's batches say, read from the file with sqlite3 alone."""

    msg_type: str
    severity: str
    area: shapely.Geometry
    told: Counter[tuple[int, int]]  # (subscriber, channel)


def owners(held: bytes) -> list[int]:
    """The form, the first owner, and by LEB128 the step to each next one."""
    assert held[0] == 1
    steps, shift = [0], 0
    for byte in held[9:]:
        steps[-1] |= (byte & 0x7F) << shift
        shift = shift + 7 if byte & 0x80 else 0
        if not shift:
            steps.append(0)
    return list(accumulate(steps[:-1], initial=int.from_bytes(held[1:9], "little", signed=True)))


def ledgers(store: sqlite3.Connection) -> list[Ledger]:
    found = []
    for id_, msg_type, severity, area in store.execute("SELECT id, msg_type, severity, area FROM message ORDER BY id"):
        told: Counter[tuple[int, int]] = Counter()
        for channel, recipients in store.execute("SELECT channel, recipients FROM batch WHERE message_id = ?", [id_]):
            told.update((person, channel) for person in owners(recipients) if person > 0)
        found.append(Ledger(msg_type, severity, shapely.from_wkb(area), told))
    return found


@pytest.mark.requirement("S002-14")
def test_every_recipient_lives_inside_and_was_told_once(shown: Shown) -> None:
    """Over the stored places, with plain shapely: neither cells nor any index of ours."""
    with closing(sqlite3.connect(shown.folder / "var/demo/geoalert.db")) as store:
        everyone = ledgers(store)
        places = np.array(store.execute("SELECT subscriber_id, x, y FROM place").fetchall(), dtype=np.int64)
        assert store.execute("SELECT count(*) FROM area_place").fetchone() == (0,)
        lost_one = {row[0] for row in store.execute("SELECT owner_id FROM address WHERE state <> 'active'")}
        reachable = {row[0] for row in store.execute("SELECT owner_id FROM address WHERE state = 'active'")}
        unreachable = set(places[:, 0].tolist()) - reachable
    assert len(everyone) == 3
    for ledger in everyone:
        inside = shapely.intersects_xy(ledger.area, places[:, 1] / SCALE, places[:, 2] / SCALE)
        people_inside = set(places[inside, 0].tolist())
        people_told = {person for person, _ in ledger.told}
        assert people_told
        assert people_told <= people_inside
        assert set(ledger.told.values()) == {1}
        if ledger.msg_type == "Alert" and ledger.severity == "Extreme":
            # No choice of a person's stands against it; only who has no address left is missing.
            assert people_inside - people_told <= unreachable
    flood, clear = everyone[1:]
    assert (flood.msg_type, clear.msg_type) == ("Alert", "Cancel")
    assert clear.told.keys() <= flood.told.keys()
    assert {person for person, _ in flood.told.keys() - clear.told.keys()} <= lost_one


def test_the_map_is_a_picture(shown: Shown) -> None:
    picture = (shown.folder / "var/demo/map.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 50_000


@pytest.mark.requirement("S000-22")
def test_nobodys_number_or_token_is_readable(shown: Shown) -> None:
    """Neither in what it said nor in any file it left, the store included."""
    for path in [path for path in shown.folder.rglob("*") if path.is_file()]:
        assert not PERSONAL.search(path.read_bytes()), path


def test_secrets_are_for_their_owner_only(shown: Shown) -> None:
    for name in ("keys.json", "sandbox.json", "credentials.json"):
        assert stat.S_IMODE((shown.folder / "var/demo" / name).stat().st_mode) == 0o600


async def test_it_runs_again_beside_a_real_store_until_ctrl_c(shown: Shown, tmp_path: Path) -> None:
    """Whatever is configured here, the demo keeps to its own folder and leaves nothing that a real store reads."""
    folder = tmp_path / "again"
    shutil.copytree(shown.folder, folder)
    before = (folder / "var/demo/geoalert.toml").read_text()
    store, keys = folder / "var/geoalert.db", folder / "var/keys.json"
    store.write_bytes(b"somebody's subscribers")
    keys.write_text("somebody's keys")
    (folder / "geoalert.toml").write_text('[store]\nurl = "sqlite:///var/geoalert.db"\n')
    env = environment(GEOALERT_STORE_URL="sqlite:///var/geoalert.db")
    async with running("demo", "--people", "500", cwd=folder, env=env, name="second") as command:
        await until(lambda: "Ctrl-C ends it" in command.out.read_text(), "the demo is done", 90)
        assert PROOF in command.out.read_text().splitlines()
        assert (folder / "var/demo/geoalert.toml").read_text() != before
        command.signal(signal.SIGINT)
        ran = await command.ended(30)
        await command.alone()
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err
    with closing(sqlite3.connect(folder / "var/demo/geoalert.db")) as made:
        assert made.execute("SELECT count(*) FROM subscriber").fetchone() == (500,)
    assert (store.read_bytes(), keys.read_text()) == (b"somebody's subscribers", "somebody's keys")
    assert sorted(path.name for path in store.parent.iterdir()) == ["demo", "geoalert.db", "keys.json"]
    shell(folder)("report", "--json").refused("keys.json is not a key file")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="its children are counted in /proc")
async def test_a_killed_demo_leaves_nobody_behind(tmp_path: Path) -> None:
    """Sandbox, API and worker see that their parent is gone, and go."""
    async with running("demo", "--people", "100", cwd=tmp_path, name="killed") as command:
        await until(lambda: len(command.left()) > 3, "it has started all its children", 30)
        command.signal(signal.SIGKILL)
        await command.alone()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("not a folder")
    shell(tmp_path)("demo", "--exit").refused("cannot write var/demo/")
    shell(tmp_path, GEOALERT_STORE_URL="sqlite:///var/deeper/geoalert.db")("db", "upgrade").refused("cannot write")
    assert (tmp_path / "var").read_text() == "not a folder"


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    if os.geteuid():
        (tmp_path / "var").mkdir(mode=0o500)
    else:
        (tmp_path / "var").symlink_to("/sys")  # not even root makes folders there
    shell(tmp_path)("demo", "--exit").refused("cannot write var/demo/")


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = str(bound.getsockname()[1])
        for command in (["demo", "--exit"], ["serve"], ["sandbox"]):
            shell(tmp_path)(*command, "--port", port).refused(f"127.0.0.1:{port}")
    assert not (tmp_path / "var").exists()
