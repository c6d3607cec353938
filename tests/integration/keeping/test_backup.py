"""`geoalert db backup` and `restore`: what comes back is what was there, and nothing else is ever taken for it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import metadata
from geoalert.store.keys import KeyRing, new_keys, read_keys, write_keys
from geoalert.store.migrations import differences
from geoalert.subscribers.tables import Address, Subscriber
from tests.downgrade import back_to
from tests.integration.keeping.kept import Kept, different, rewrite
from tests.workbench import Chain


def is_empty(kept: Kept, url: str) -> bool:
    """Whether no program would take the place for a store."""
    ran = kept.shell(url)("db", "check")
    assert ran.code == 1, "it is a store"
    return "there is no store" in ran.err or "at schema none" in ran.err


@pytest.mark.requirement("S003-09")
async def test_everything_comes_back_with_its_numbers(kept: Kept) -> None:
    await kept.full()
    before = await kept.rows()
    folder = kept.backup()
    assert different(before, await kept.rows()) == [], "the store itself was only read"
    ran = kept.shell(kept.elsewhere)("db", "restore", str(folder))
    assert ran.code == 0, ran.err
    after = await kept.rows(kept.elsewhere)
    restored = after["audit"].pop()
    assert (restored["action"], restored["subject"]) == ("store.restored", "store")
    for row in (*before["audit"], *after["audit"]):  # on PostgreSQL some were linked between the two looks
        row["body"] = {name: value for name, value in json.loads(row["body"]).items() if name not in _LINKS}
        row["hash"] = row["number"] = None
    assert different(before, after) == []
    kept.verified(kept.elsewhere)


_LINKS = {"number", "previous"}


async def test_freed_numbers_are_not_given_again(kept: Kept) -> None:
    async with kept.chain() as chain:
        await chain.settle()
        gone = await chain.settle()
        async with chain.house.store.writing() as session:
            last = await session.scalar(select(func.max(Address.id)))
            await session.execute(delete(Address).where(Address.owner_id == gone, Address.owner_kind == "subscriber"))
    assert kept.shell(kept.elsewhere)("db", "restore", str(kept.backup())).code == 0
    async with kept.house(kept.elsewhere) as house:
        officers = chain.officers
        somebody = await Chain(house, officers, kept.numbers).settle()
        async with house.store.reading() as session:
            theirs = await session.scalar(
                select(Address.id).where(Address.owner_id == somebody, Address.owner_kind == "subscriber")
            )
    assert last is not None
    assert theirs == last + 1


async def test_a_copy_is_for_its_owner_alone_and_overwrites_nothing(kept: Kept) -> None:
    folder = kept.backup()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    manifest = (folder / "manifest.json").read_bytes()
    kept.shell()("db", "backup", "copy").refused("never overwrites")
    assert (folder / "manifest.json").read_bytes() == manifest
    assert [path.name for path in kept.folder.glob("copy*")] == ["copy"]


@pytest.mark.parametrize("what", ["part", "cut", "missing", "manifest", "no manifest"])
async def test_what_was_altered_is_found_before_anything_is_written(kept: Kept, what: str) -> None:
    await kept.full()
    folder = kept.backup()
    path = next(folder.glob("*-address.*")) if what in {"part", "cut", "missing"} else folder / "manifest.json"
    held = bytearray(path.read_bytes())
    if what in {"missing", "no manifest"}:
        path.unlink()
    elif what == "cut":
        path.write_bytes(held[:-1])
    else:
        held[len(held) // 2] ^= 1
        path.write_bytes(held)
    kept.shell(kept.elsewhere)("db", "restore", "copy").refused(path.name)
    assert is_empty(kept, kept.elsewhere)


async def test_a_copy_of_a_newer_schema_is_refused(kept: Kept) -> None:
    folder = kept.backup()
    rewrite(folder, schema_revision="9999")
    kept.shell(kept.elsewhere)("db", "restore", "copy").refused("does not know")
    rewrite(folder, format=2)
    kept.shell(kept.elsewhere)("db", "restore", "copy").refused("another form")
    assert is_empty(kept, kept.elsewhere)


async def test_a_copy_of_an_older_schema_is_brought_up_to_date(kept: Kept) -> None:
    await kept.full()
    async with kept.house() as house:
        await back_to(house.store, "0005")
    kept.shell()("audit", "verify").refused("run: geoalert db upgrade")
    folder = kept.backup()  # as one does before an upgrade
    assert json.loads((folder / "manifest.json").read_text())["schema_revision"] == "0005"
    assert kept.shell()("db", "upgrade").code == 0
    before = await kept.rows()
    assert kept.shell(kept.elsewhere)("db", "restore", "copy").code == 0
    after = await kept.rows(kept.elsewhere)
    assert len(after["audit"]) == len(before["audit"]) + 1
    assert [name for name in different(before, after) if name != "audit"] == []
    async with kept.house(kept.elsewhere) as house:
        assert await differences(house.store, metadata()) == []
    kept.verified(kept.elsewhere)


async def test_a_place_with_rows_is_refused_and_replaced_only_when_told(kept: Kept) -> None:
    await kept.full()
    people = await kept.rows()
    folder = kept.backup()
    async with kept.house() as house:
        async with house.store.writing() as session:
            await session.execute(delete(Address))
        kept.shell()("db", "restore", "copy", "--replace").refused("open in")
    kept.shell()("db", "restore", "copy").refused("has rows")
    assert (await kept.rows())["address"] == []
    ran = kept.shell()("db", "restore", str(folder), "--replace")
    assert ran.code == 0, ran.err
    assert (await kept.rows())["address"] == people["address"]
    kept.verified(kept.url)
    if not kept.postgresql:
        (aside,) = kept.folder.glob("geoalert.db.before-*")
        assert (await kept.rows(f"sqlite:///{aside}"))["address"] == []


async def test_a_key_that_is_missing_is_said_before_anything_is_written(kept: Kept) -> None:
    first = read_keys(kept.keys)
    second = KeyRing(2, {**first.encryption, 2: new_keys().encryption[1]}, first.blind, first.hook)
    async with kept.chain() as chain:
        await chain.settle()
    kept.keys.unlink()
    write_keys(kept.keys, second)
    async with kept.chain() as chain:
        somebody = await chain.settle()
    folder = kept.backup()
    secret = {key for ring in (first, second) for key in (*ring.encryption.values(), ring.blind, ring.hook)}
    held = b"".join(path.read_bytes() for path in folder.iterdir())
    assert not [key for key in secret if key in held or key.hex().encode() in held]
    assert json.loads((folder / "manifest.json").read_text())["keys"]["encryption"].keys() == {"1", "2"}

    def ring(name: str, ring: KeyRing) -> Path:
        write_keys(kept.folder / name, ring)
        return kept.folder / name

    lacking, other = ring("lacking.json", first), ring("other.json", new_keys())
    for keys, words in (
        (kept.folder / "none.json", "the backup needs the keys 1, 2"),
        (lacking, "has no key 2, which seals 1 addresses"),
        (other, "key 1"),
        (ring("blind.json", KeyRing(2, second.encryption, new_keys().blind, first.hook)), "key blind"),
    ):
        kept.shell(kept.elsewhere, keys)("db", "restore", "copy").refused(words)
    assert is_empty(kept, kept.elsewhere)
    kept.backup("whole", "--with-keys")
    brought = kept.folder / "brought.json"
    assert kept.shell(kept.elsewhere, brought)("db", "restore", "whole").code == 0
    assert stat.S_IMODE(brought.stat().st_mode) == 0o600
    assert read_keys(brought) == second
    async with kept.house(kept.elsewhere) as house, house.store.reading() as session:
        assert await session.get(Subscriber, somebody) is not None
        assert await session.scalar(select(func.count()).where(AuditEntry.action == "store.restored")) == 1
