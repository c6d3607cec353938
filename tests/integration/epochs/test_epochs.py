"""Epochs: a version of the tree begins at its date, in every process, and what was sent before stays as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
import shapely
from sqlalchemy import func, select, text

from api.main import create_app
from geoalert.alerts.tables import Alert, Message
from geoalert.audit.tables import AuditEntry
from geoalert.bootstrap import House, open_house
from geoalert.errors import Conflict, Invalid, NotFound
from geoalert.operations.wards_diff import wards_diff
from geoalert.subscribers import make_person, register
from geoalert.subscribers.person import Point, RoundedPlace, WardPlace
from geoalert.subscribers.rounded import rounded_code
from geoalert.wards import locate
from geoalert.wards.epochs import (
    read_epochs,
)
from tests.integration.epochs.second_epochs import bring, office_at, tomorrow
from tests.second_city import (
    FAR,
    KEY,
    MIDDLE,
    WEST,
)
from tests.workbench import Chain

SQUARE_KM2 = 3.185


@pytest.fixture
async def client(first: House) -> AsyncIterator[httpx2.AsyncClient]:
    """A door that was open before anything was imported; another process, as far as the store can tell."""
    app = create_app(first.settings)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
            yield opened


async def test_a_city_is_added_by_data_alone(first: House) -> None:
    today = (await tomorrow(first)) - timedelta(days=1)
    assert office_at(first, FAR, today) == "east"
    found = locate(first.desk.index, *WEST, today)
    assert found.unit is not None
    assert (found.unit.code, found.epoch, found.note) == ("2021-Q01", "2021", "made up for tests")
    async with first.store.reading() as session:
        (row,) = await read_epochs(session, KEY)
        entries = await session.scalar(select(func.count()).where(AuditEntry.action == "wards.imported"))
    assert (row.source, len(row.sha256), entries) == ("first.geojson", 64, 1)


async def test_an_epoch_takes_effect_at_its_date_in_every_process(
    first: House, second: Path, client: httpx2.AsyncClient
) -> None:
    begins = await tomorrow(first)
    today = begins - timedelta(days=1)

    async def asked(on: date) -> dict[str, Any]:
        answer = await client.get("/v1/locate", params={"lat": FAR[1], "lon": FAR[0], "at": on.isoformat()})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    assert (await asked(begins))["office_code"] == "east"
    before = {ward.code: ward for ward in first.desk.city.tree.wards}
    begun = await bring(first, second, "2026", begins)
    assert (begun.closed, begun.epoch.valid_to) == (9, None)
    # The process that was open all the while sees it at its next question.
    assert (await asked(today))["office_code"] == "east"
    told = await asked(begins)
    assert (told["office_code"], told["unit_code"], told["epoch"], told["note"]) == ("far", "2026-Q02", "2026", "")

    await first.refresh()
    tree = first.desk.city.tree
    assert [(epoch.label, epoch.valid_to) for epoch in tree.epochs] == [("2021", begins), ("2026", None)]
    for code, ward in before.items():
        (old,) = (record for record in tree.by_code[code] if record.valid_from == ward.valid_from)
        assert old.valid_to == begins
        assert (old.geometry, old.names, old.parent) == (ward.geometry, ward.names, ward.parent)
    assert [ward.code for ward in tree.offices(today)] == ["east", "west"]
    assert [ward.code for ward in tree.offices(begins)] == ["far", "middle", "sunset"]


@pytest.mark.requirement("S002-14")
async def test_what_was_sent_keeps_its_line_and_chosen_wards_go_on(first: House, chain: Chain, second: Path) -> None:
    person = make_person(
        addresses={"push": "test-token-east"}, channels=("push",), wards=[WardPlace("east")], consent="test"
    )
    elsewhere = make_person(
        addresses={"push": "test-token-west"}, channels=("push",), points=[Point(*WEST)], consent="test"
    )
    async with first.store.writing() as session:
        await register(session, [person, elsewhere], "test")
    sent, before = await chain.sent(wards=["east"], channels=("push",))
    assert before.people == 1

    begins = await tomorrow(first)
    await bring(first, second, "2026", begins)
    await first.refresh()
    assert (await chain.sent(wards=["east"], channels=("push",)))[1].people == 1  # still in force today

    first.store.shift += timedelta(days=2)
    with pytest.raises(Invalid, match="no ward 'east' in force") as refusal:
        await chain.sent(wards=["east"], channels=("push",))
    assert refusal.value.pointer == "/area/wards/0"
    for code in ("middle", "far"):  # each shares ground with the east that was
        assert (await chain.sent(wards=[code], channels=("push",)))[1].people == 1
    assert (await chain.sent(wards=["sunset"], channels=("push",)))[1].people == 1  # the one who lives there

    async with first.store.reading() as session:
        rows = (
            await session.execute(
                text("SELECT content FROM message m JOIN alert a ON a.id = m.alert_id WHERE a.identifier = :id"),
                {"id": sent},
            )
        ).all()
    (content,) = (json.loads(row.content) for row in rows)
    assert (content["area"]["wards"], content["area"]["epoch"]) == (["east"], "2021")
    line = first.desk.city.tree.last_known("east", begins).geometry
    assert content["area"]["sha256"] == await _stored_digest(first, sent) == _digest(line)


def _digest(shape: shapely.Geometry) -> str:
    return sha256(shapely.to_wkb(shapely.normalize(shape))).hexdigest()


async def _stored_digest(house: House, identifier: str) -> str:
    async with house.store.reading() as session:
        area = await session.scalar(
            select(Message.area).join(Alert, Alert.id == Message.alert_id).where(Alert.identifier == identifier)
        )
    return _digest(area)


async def test_the_difference_is_exactly_what_was_done(first: House, second: Path) -> None:
    people = [
        make_person(addresses={"push": f"test-token-{n:04}"}, channels=("push",), points=points, consent="test")
        for n, points in enumerate(
            ([Point(*FAR)], [Point(*MIDDLE), Point(*FAR, "work")], [Point(*WEST)], [Point(20.0, 50.0)])
        )
    ]
    rounded = [
        make_person(
            addresses={"push": f"test-cell-{n}"},
            channels=("push",),
            rounded=[RoundedPlace(rounded_code(lon, lat))],
            consent="x",
        )
        for n, (lon, lat) in enumerate((FAR, WEST, (20.0, 50.0)))
    ]
    chosen = make_person(addresses={"push": "test-ward"}, channels=("push",), wards=[WardPlace("east")], consent="x")
    async with first.store.writing() as session:
        await register(session, [*people, chosen, *rounded], "test")
    begins = await tomorrow(first)
    await bring(first, second, "2026", begins)
    async with first.store.reading() as session:
        found = (await wards_diff(session, first.desk, "2021", "2026")).document()
        back = (await wards_diff(session, first.desk, "2026", "2021")).document()
        with pytest.raises(NotFound, match="there is 2021, 2026"):
            await wards_diff(session, first.desk, "2021", "2031")
        with pytest.raises(Conflict):
            await wards_diff(session, first.desk, "2021", "2021")
    assert found["offices"] == [
        {"fate": "split", "before": ("east",), "after": ("far", "middle")},
        {"fate": "renamed", "before": ("west",), "after": ("sunset",)},
    ]
    assert [(row["before"], row["after"]) for row in found["moved"]] == [("east", "far"), ("east", "middle")]
    assert [row["km2"] for row in found["moved"]] == pytest.approx([2 * SQUARE_KM2] * 2, rel=0.01)
    assert (found["people_who_change_office"], found["ward_places_that_ended"]) == (2, 1)
    assert (found["people_who_may_change_office"], back["people_who_may_change_office"]) == (1, 1)
    assert [row["fate"] for row in back["offices"]] == ["merged", "renamed"]
    assert back["people_who_change_office"] == 2


async def test_starting_again_adds_nothing_and_a_second_house_agrees(first: House, second: Path) -> None:
    await bring(first, second, "2026", await tomorrow(first))
    await first.upgrade()
    async with open_house(first.settings) as other:
        await other.upgrade()
        assert other.desk.city.tree == first.desk.city.tree
        assert len(other.desk.city.tree.epochs) == 2
