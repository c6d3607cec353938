"""Both stores: schema, sessions, sealed values, the audit chain."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text, update

from geoalert.audit import append, verify
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House, metadata, open_house
from geoalert.departments.tables import Department
from geoalert.dispatch.outcomes import Outcome, merge_outcomes
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch
from geoalert.errors import Invalid, Outdated, Unavailable
from geoalert.settings import Settings, StoreSettings
from geoalert.store import KeyRing, database_now, keys_of, open_store
from geoalert.store.copying import add_made, add_rows
from geoalert.store.migrations import differences
from geoalert.subscribers.tables import Address, AreaPlace
from geoalert.wards.tables import WardRow
from tests.downgrade import back_to
from tests.stores import ON_POSTGRESQL, ON_SQLITE
from tests.workbench import Chain


async def test_migrations_make_what_the_models_say(house: House) -> None:
    await house.upgrade()  # again: changes nothing
    await house.require_current()
    assert await differences(house.store, metadata()) == []


async def test_alarms_go_with_their_tables_and_come_back_with_them(house: House) -> None:
    await back_to(house.store, "0010")
    missing = [change for change in await differences(house.store, metadata()) if change.startswith("('add_table'")]
    assert all(any(f"Table('{name}'" in change for change in missing) for name in ("alarm", "staff_message"))
    await house.upgrade()
    assert await differences(house.store, metadata()) == []


@pytest.mark.requirement("S004-15", "S004-16")
async def test_the_annex_is_loaded_and_is_not_the_whole_list(house: House) -> None:
    async with house.store.reading() as session:
        units = list(await session.scalars(select(Department)))
    listed = {unit.serial: unit for unit in units if unit.serial is not None}
    assert sorted(listed) == list(range(1, 62))
    assert [listed[number].kind for number in range(47, 52)] == ["zone"] * 5
    assert [listed[number].kind for number in range(52, 62)] == ["office"] * 10
    assert listed[6].printed_mr == "आपती व्यवस्थापन विभाग"
    assert (listed[6].name_mr, listed[6].reading) == ("आपत्ती व्यवस्थापन विभाग", "inferred")
    assert {unit.code for unit in units if unit.serial is None} == {"information-technology"}


async def test_wards_are_in_the_store_with_their_lines(house: House) -> None:
    async with house.store.reading() as session:
        offices = list(
            await session.scalars(select(WardRow).where(WardRow.level == "office", WardRow.valid_to.is_(None)))
        )
    assert len(offices) == 15
    assert all(office.geometry.is_valid for office in offices)


@ON_POSTGRESQL
async def test_geometry_is_open_to_postgis(house: House) -> None:
    async with house.store.reading() as session:
        metres = await session.scalar(
            text("SELECT sum(ST_Area(geometry::geography)) FROM ward WHERE level = 'zone' AND valid_to IS NULL")
        )
        kinds = await session.scalar(text("SELECT count(*) FROM geometry_columns WHERE f_table_name = 'ward'"))
    assert metres / 1e6 == pytest.approx(479.9, rel=0.002)
    assert kinds == 1


def test_a_place_has_no_geometry_column() -> None:
    columns = metadata().tables["place"].columns.keys()
    assert "geometry" not in columns


async def test_addresses_are_sealed_and_bound_to_their_owner(chain: Chain) -> None:
    one, other = await chain.settle(), await chain.settle()
    async with chain.house.store.reading() as session:
        rows = {
            row.owner_id: row
            for row in await session.scalars(select(Address).where(Address.owner_kind == "subscriber"))
        }
        keys = keys_of(session)
    assert b"test-token" not in rows[one].sealed
    assert keys.open(rows[one].sealed, f"address|subscriber|{one}|1") == "test-token-000001"
    with pytest.raises(Invalid, match="altered or moved"):
        keys.open(rows[one].sealed, f"address|subscriber|{other}|1")


async def test_concurrent_merges_lose_nothing(chain: Chain) -> None:
    for _ in range(40):
        await chain.settle()
    await chain.sent()
    async with chain.house.store.reading() as session:
        batch_id = await session.scalar(select(Batch.id))
    assert batch_id is not None

    async def merge(position: int, outcome: Outcome) -> None:
        async with chain.house.store.writing() as session:
            await merge_outcomes(session, batch_id, {position: (outcome, Reason.NONE)})

    for outcome in (Outcome.SENDING, Outcome.ACCEPTED, Outcome.DELIVERED):
        await asyncio.gather(*(merge(position, outcome) for position in range(40)))
    async with chain.house.store.reading() as session:
        outcomes = await session.scalar(select(Batch.outcomes))
    assert outcomes == bytes([Outcome.DELIVERED]) * 40


async def test_a_writing_session_commits_whole_or_not_at_all(house: House) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with house.store.writing() as session:
            await append(session, "test", "thing.done", "x", {})
            raise RuntimeError("stop")
    async with house.store.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == 0


COUNTED = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT i FROM n")


@pytest.mark.parametrize("most", [1, 999, 1_000, 1_001, 2_500])
async def test_a_question_gives_all_its_rows_however_many_come_along(house: House, most: int) -> None:
    """SQLite's driver brings the first thousand with the answer."""
    expected = list(range(1, most + 1))
    async with house.store.reading() as session:
        assert list(await session.scalars(COUNTED, {"most": most})) == expected
        parts = (await session.stream_scalars(COUNTED, {"most": most})).partitions(300)
        assert [number async for part in parts for number in part] == expected
        first = await session.stream_scalars(COUNTED, {"most": most})
        assert await first.fetchmany(1) == [1]
        await first.close()  # the rest is not wanted
        assert await session.scalar(COUNTED, {"most": most}) == 1


@ON_SQLITE
async def test_a_store_of_several_revisions_is_written_by_nobody(house: House) -> None:
    async with house.store.writing() as session:
        await session.execute(text("INSERT INTO alembic_version (version_num) VALUES ('zzzz')"))
    house.store.revision = "0001"
    with pytest.raises(Outdated):
        async with house.store.writing():
            pass


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="name a file"):
        open_store(url, KeyRing(0, {}, b"", b""))


async def test_the_clock_is_the_databases_and_can_be_shifted(house: House) -> None:
    async with house.store.reading() as session:
        assert abs((await database_now(session) - datetime.now(UTC)).total_seconds()) < 60


async def test_times_without_a_zone_are_not_stored(house: House) -> None:
    with pytest.raises(Exception, match="without a zone"):
        async with house.store.writing() as session:
            await session.execute(update(Batch).values(not_before=datetime(2026, 1, 1)))  # noqa: DTZ001


@pytest.mark.requirement("S003-09")
async def test_the_audit_chain_shows_a_changed_or_missing_entry(house: House) -> None:
    async with house.store.writing() as session:
        for number in range(5):
            await append(session, "officer:x", "message.approved", f"m{number}", {"n": number})
    count, head, broken = await verify(house.store)
    assert (count, broken) == (5, None)
    assert len(head) == 64
    async with house.store.writing() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.number == 3))).one()
        body = json.loads(entry.body)
        body["actor"] = "officer:y"
        entry.body = json.dumps(body)
    _, _, broken = await verify(house.store)
    assert broken is not None
    assert (broken.number, broken.reason) == (3, "was altered")


async def test_a_store_of_another_schema_is_refused(settings: Settings) -> None:
    async with open_house(settings, create=True) as house:
        with pytest.raises(Unavailable, match="geoalert db upgrade"):
            await house.require_current()


async def test_a_store_that_is_neither_is_refused(settings: Settings) -> None:
    settings.store = StoreSettings(url="mysql://x/y", key_file=settings.store.key_file)
    with pytest.raises(Invalid, match="sqlite or postgresql"):
        async with open_house(settings):
            pass


async def test_rows_come_in_whatever_order_they_name_their_columns(chain: Chain) -> None:
    person = await chain.settle()
    one = {"subscriber_id": person, "label": "work", "kind": "ward", "code": "Z1"}
    other = {"code": "Z2", "kind": "ward", "label": "other", "subscriber_id": person}
    async with chain.house.store.writing() as session:
        await add_rows(session, AreaPlace, [one, other])
    async with chain.house.store.reading() as session:
        rows = await session.execute(select(AreaPlace.label, AreaPlace.code).order_by(AreaPlace.id))
    assert [tuple(row) for row in rows] == [("work", "Z1"), ("other", "Z2")]


@pytest.mark.parametrize("change", [{"attr": 1}, {"label": None}])
async def test_rows_that_name_other_columns_are_refused(chain: Chain, change: dict[str, int | None]) -> None:
    person = await chain.settle()
    one = {"subscriber_id": person, "label": "work", "kind": "ward", "code": "Z1"}
    other = {name: value for name, value in (one | change).items() if value is not None}
    with pytest.raises(ValueError, match="same columns"):
        async with chain.house.store.writing() as session:
            await add_rows(session, AreaPlace, [one, other])
    async with chain.house.store.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AreaPlace)) == 0


@pytest.mark.parametrize("count", [2, 50])  # by INSERT; by COPY where there is one
async def test_rows_that_cannot_be_made_leave_none(chain: Chain, count: int) -> None:
    person = await chain.settle()
    names = ["subscriber_id", "label", "kind", "code"]

    def made() -> list[tuple[object, ...]]:
        raise LookupError("nothing to make them of")

    with pytest.raises(LookupError, match="nothing to make them of"):
        async with chain.house.store.writing() as session:
            await add_made(session, AreaPlace, names, 2, lambda: [(person, "home", "ward", "Z1")] * 2)
            await add_made(session, AreaPlace, names, count, made)
    async with chain.house.store.writing() as session:  # the connection is as good as any
        assert await session.scalar(select(func.count()).select_from(AreaPlace)) == 0
        rows = [(person, f"p{number}", "ward", f"Z{number}") for number in range(count)]
        await add_made(session, AreaPlace, names, count, lambda: rows)
    async with chain.house.store.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AreaPlace)) == count
