"""`geoalert dispatch` and `geoalert channels`, as an operator at night meets them."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.commands import environment, run, running
from tests.e2e.warm import Shell
from tests.waiting import until


def test_holding_and_letting_go(empty: Shell) -> None:
    assert empty("db", "upgrade").code == 0
    empty("dispatch", "pause", "--provider", "nobody").refused("fcm, mastodon, twilio")
    assert empty("dispatch", "pause").out == "routine work is held; geoalert dispatch resume lets it go on\n"
    assert empty("dispatch", "pause").out == "routine work stood still already\n"
    said = empty("dispatch", "status")
    assert "paused" in said.out
    (halt,) = empty("dispatch", "status", "--json").document["halts"]
    assert (halt["provider"], halt["why"], halt["by"], halt["emergencies"]) == ("", "paused", "command line", False)
    assert empty("dispatch", "resume").out == "0 batches go on\n"
    assert empty("dispatch", "status", "--json").document["halts"] == []
    assert empty("dispatch", "drain").out == "nothing is left to carry now\n"
    empty("dispatch", "retry", "no-such-alert").refused("no such alert")
    record = empty("audit", "verify")
    assert record.code == 0


def test_providers_that_do_not_answer_are_named(empty: Shell) -> None:
    assert empty("db", "upgrade").code == 0
    asked = empty("channels", "check", "--json")
    assert asked.code == 1
    assert {(row["provider"], row["well"], row["why"]) for row in asked.document} == {
        ("fcm", False, "not_connected"),
        ("mastodon", False, "not_connected"),
        ("twilio", False, "not_connected"),
    }
    empty("channels", "check", "--to", "+12025550101").refused("--provider")
    empty("channels", "check", "--provider", "nobody").refused("nobody")


async def test_a_message_to_oneself(tmp_path: Path) -> None:
    env = environment(GEOALERT_SANDBOX_CREDENTIALS="sandbox.json")
    async with running("sandbox", "--credentials", "sandbox.json", "--port", "0", cwd=tmp_path, name="sandbox") as box:
        await until((tmp_path / "sandbox.json").exists, "the sandbox is there")
        assert (await run("db", "upgrade", cwd=tmp_path, env=env)).code == 0
        asked = await run("channels", "check", "--json", cwd=tmp_path, env=env)
        assert (asked.code, [row["well"] for row in asked.document]) == (0, [True, True, True])
        sent = await run("channels", "check", "--provider", "twilio", "--to", "+12025550101", cwd=tmp_path, env=env)
        assert (sent.code, "accepted" in sent.out) == (0, True)
        assert not box.process.returncode
