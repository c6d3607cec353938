"""What a preview says to whoever may see exact figures."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from geoalert.departments import issue, name_officer
from geoalert.operations.demo_story import WATER
from tests.integration.api.conftest import Door, refusal
from tests.integration.api.previews import (
    KOTHRUD_OFFICE,
    around,
    ask,
    by_channel,
    drawn,
    preview,
    settle,
)
from tests.quiet import ALL_DAY
from tests.waiting import until
from tests.workbench import HADAPSAR, KOTHRUD, Chain

BOTH = {"wards": ["kothrud-bavdhan", "hadapsar-mundhwa"]}


async def populate(door: Door) -> None:
    await settle(door.house, KOTHRUD)
    await settle(door.house, KOTHRUD, HADAPSAR, language="en")  # of the first office by code: Hadapsar
    await settle(door.house, HADAPSAR, channels=("push", "sms"), language="hi", quiet=ALL_DAY)
    await settle(door.house, wards=["2017-P12"])  # a unit of Kothrud's
    await settle(door.house, wards=["Z2"])  # a zone: no office of its own
    await settle(door.house, KOTHRUD, wards=["hadapsar-mundhwa"], channels=("push",))  # a point tells more
    await settle(door.house, KOTHRUD, consent="")
    await settle(door.house, KOTHRUD, min_severity="Extreme")
    await settle(door.house, (73.0, 18.0))  # outside


async def test_everybody_stands_under_one_office_and_rows_sum_to_the_channels(door: Door) -> None:
    await populate(door)
    found = await preview(door, door.approver, BOTH)
    assert found["by_channel"] == {"push": {"mr": 1, "hi": 1}, "sms": {"mr": 3, "en": 1}}
    assert by_channel(found["by_office"]) == found["by_channel"]
    assert [(row["office_code"], row["channel"], row["language"], row["people"]) for row in found["by_office"]] == [
        ("hadapsar-mundhwa", "push", "hi", 1),
        ("hadapsar-mundhwa", "sms", "en", 1),
        ("kothrud-bavdhan", "push", "mr", 1),
        ("kothrud-bavdhan", "sms", "mr", 2),
        (None, "sms", "mr", 1),
    ]
    assert [row["office"] for row in found["by_office"]][-2:] == ["Kothrud-Bavdhan", "elsewhere"]
    assert (found["people"], found["inside"], found["held"], found["may_be_affected"]) == (6, 8, 1, 2)
    left_out = {reason: number for reason, number in found["suppressed"].items() if number}
    assert left_out == {"no_consent": 1, "min_severity": 1}
    assert (found["rounded"], found["widened"]) == (False, False)


async def test_the_live_grid_says_what_the_store_says(door: Door) -> None:
    await populate(door)
    areas = (BOTH, KOTHRUD_OFFICE, drawn(around(300)), {"wards": ["Z2"], **drawn(around(9_000))})
    grid = door.app.state.house.grid
    await until(lambda: grid.loaded, "the grid is loaded", 20)
    await settle(door.house, HADAPSAR, KOTHRUD, language="hi")  # in the overlay
    for area in areas:
        from_grid = await preview(door, door.approver, area)
        door.app.state.house = replace(door.house, journal=door.app.state.house.journal)  # its desk has no grid
        assert await preview(door, door.approver, area) == from_grid
        assert from_grid["people"] > 0
        door.app.state.house = replace(door.house, desk=replace(door.house.desk, find_divided=grid.divided))


async def test_a_place_outside_every_office_is_counted_elsewhere(door: Door) -> None:
    camp = (73.8788, 18.5146)  # Pune Cantonment, which is not the corporation's
    await settle(door.house, camp)
    found = await preview(door, door.approver, drawn(around(400, camp)))
    assert [(row["office_code"], row["people"]) for row in found["by_office"]] == [(None, 1)]


async def test_nobody_is_said_plainly_with_the_reasons(door: Door) -> None:
    await settle(door.house, KOTHRUD, consent="")
    found = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER)
    assert (found["people"], found["inside"], found["by_channel"], found["by_office"]) == (0, 1, {}, [])
    assert found["suppressed"]["no_consent"] == 1
    assert found["estimated_cost_rupees"] == 0
    assert found["expected_minutes"] == {"push": 0, "sms": 0}


async def test_the_estimated_cost_is_what_sending_costs(door: Door) -> None:
    for language in ("mr", "hi", "en", "en"):
        await settle(door.house, KOTHRUD, language=language)
    await settle(door.house, KOTHRUD, channels=("push",))
    asked = {"channels": ["push", "sms"]}
    without = await preview(door, door.approver, KOTHRUD_OFFICE, **asked)
    assert (without["segments"], without["estimated_cost_rupees"]) == (None, None)
    found = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER, **asked)

    identifier = await door.sent()
    chain = Chain(door.house, door.demo)
    await chain.carry()
    report = await chain.report(identifier)
    assert found["estimated_cost_rupees"] == report["estimated_cost_rupees"] > 0
    segments, told = found["segments"], {"mr": 1, "hi": 1, "en": 2}
    assert sum(segments[language] * number for language, number in told.items()) == report["sms_units"]
    assert segments["mr"] > segments["en"]


async def test_what_everybodys_next_channels_would_take_is_an_upper_bound(door: Door) -> None:
    await settle(door.house, KOTHRUD, channels=("push", "sms"))
    await settle(door.house, KOTHRUD, channels=("sms", "push"), language="en")
    await settle(door.house, KOTHRUD, channels=("push",))
    asked = {"channels": ["push", "sms"], "texts": WATER}
    severe = await preview(door, door.approver, KOTHRUD_OFFICE, severity="Severe", **asked)
    extreme = await preview(door, door.approver, KOTHRUD_OFFICE, severity="Extreme", **asked)
    assert severe["by_channel"] == {"push": {"mr": 2}, "sms": {"en": 1}}
    assert severe["at_most"] == {"push": {"mr": 2, "en": 1}, "sms": {"mr": 1, "en": 1}}
    assert severe["at_most"] == extreme["at_most"] == extreme["by_channel"]
    assert severe["cost_at_most_rupees"] == extreme["cost_at_most_rupees"] == extreme["estimated_cost_rupees"]
    assert severe["estimated_cost_rupees"] < severe["cost_at_most_rupees"]


async def test_who_reads_another_language_is_estimated_by_the_text_they_would_get(door: Door) -> None:
    await settle(door.house, KOTHRUD, language="hi")
    english = await preview(door, door.approver, KOTHRUD_OFFICE, texts={"en": WATER["en"]})
    both = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER)
    assert english["segments"]["hi"] == english["segments"]["en"] < both["segments"]["hi"]
    assert english["estimated_cost_rupees"] < both["estimated_cost_rupees"]


async def test_a_channel_without_a_provider_has_no_minutes_and_no_cost(door: Door) -> None:
    await settle(door.house, KOTHRUD)
    house = door.app.state.house
    with_provider = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER)
    assert with_provider["expected_minutes"] == {"push": 0, "sms": 1}  # rounded up
    door.app.state.house = replace(house, desk=replace(house.desk, routes={}))
    found = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER)
    assert found["expected_minutes"] == {"push": None, "sms": None}
    assert (found["segments"], found["estimated_cost_rupees"]) == (None, None)
    assert found["people"] == 1


async def test_texts_that_could_not_be_sent_are_refused_where_they_stand(door: Door) -> None:
    long = WATER["en"] | {"instruction": "x" * 2_000}
    for texts, pointer in (
        ({}, "/texts"),
        ({"fr": WATER["en"]}, "/texts/fr"),
        ({"en": WATER["en"] | {"headline": " "}}, "/texts/en/headline"),
        ({"en": {"headline": "x"}}, "/texts/en/description"),
        ({"en": long}, "/texts/en/instruction"),
    ):
        refusal(await ask(door, door.approver, KOTHRUD_OFFICE, texts=texts), 422, pointer)


@pytest.mark.requirement("S002-14")
async def test_of_an_update_whoever_was_told_before_is_counted_as_it_tells_them(door: Door) -> None:
    for _ in range(3):
        await settle(door.house, KOTHRUD)
    await settle(door.house, HADAPSAR, channels=("push", "sms"))
    identifier = await door.sent(area=BOTH)
    waiting = await preview(door, door.approver, KOTHRUD_OFFICE, alert=identifier)
    assert (waiting["people"], waiting["told_before"]) == (3, 0)  # nothing has left: an update would take its place
    await Chain(door.house, door.demo).carry()
    found = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER, alert=identifier)
    assert (found["people"], found["told_before"], found["inside"]) == (4, 1, 3)
    assert found["by_channel"] == {"sms": {"mr": 3}, "push": {"mr": 1}}
    assert by_channel(found["by_office"]) == {"sms": {"mr": 3}}
    anew = await preview(door, door.approver, KOTHRUD_OFFICE, texts=WATER)
    assert (anew["people"], anew["told_before"]) == (3, 0)
    # Who is inside both times is one person, told as they wish now.
    again = await preview(door, door.approver, BOTH, alert=identifier)
    assert (again["people"], again["told_before"]) == (4, 0)
    changed = await door.call("POST", f"/v1/alerts/{identifier}/update", door.author, json=await update_body(door))
    assert changed.status_code == 201, changed.text
    (*_, message) = changed.json()["messages"]
    await door.call("POST", f"/v1/alerts/{identifier}/submit", door.author)
    await door.decide(identifier, "approve", door.approver, content_hash=message["content_hash"])
    released = (await door.call("POST", f"/v1/alerts/{identifier}/send", door.approver)).json()
    assert released["people"] == found["people"]


async def update_body(door: Door) -> dict[str, Any]:
    body = await door.draft_body(area=KOTHRUD_OFFICE)
    return {name: value for name, value in body.items() if name != "category"}


async def test_another_departments_alert_is_as_if_it_were_not_there(door: Door) -> None:
    await settle(door.house, KOTHRUD)
    identifier = await door.sent()
    async with door.house.store.writing() as session:
        officer = await name_officer(session, "road", "Test nodal", "Engineer", ["nodal"])
        theirs = await issue(session, "road", officer=officer.reference)
    for wrong in (identifier, str(uuid.uuid4())):
        body = refusal(await ask(door, theirs, KOTHRUD_OFFICE, alert=wrong), 422, "/alert")
        assert body["detail"] == "no such alert"
