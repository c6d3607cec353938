"""Alerts of one event through the HTTP door: named, listed, previewed, explained."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.changes import reference_of
from tests.integration.api.conftest import Door, refusal
from tests.integration.api.previews import KOTHRUD_OFFICE, ask, preview, settle
from tests.workbench import HADAPSAR, KOTHRUD

BURST = "burst-at-parvati"
BOTH = {"wards": ["kothrud-bavdhan", "hadapsar-mundhwa"]}


async def expiry(door: Door) -> datetime:
    return datetime.fromisoformat((await door.draft_body())["expires"])


async def test_the_incident_is_the_alerts_and_stays(door: Door) -> None:
    refusal(
        await door.call("POST", "/v1/alerts", door.author, json=await door.draft_body(incident="a b")), 422, "/incident"
    )
    alert = await door.drafted(incident=BURST)
    await door.drafted()
    path = f"/v1/alerts/{alert['identifier']}"
    assert (alert["incident"], alert["messages"][0]["content"]["incident"]) == (BURST, BURST)
    listed = (await door.call("GET", f"/v1/alerts?incident={BURST}", door.author)).json()["alerts"]
    assert [line["identifier"] for line in listed] == [alert["identifier"]]
    edited = await door.call("PUT", path, door.author, json=await door.draft_body(severity="Minor"))
    assert edited.json()["incident"] == BURST
    refusal(await door.call("PUT", path, door.author, json=await door.draft_body(incident="another")), 409)


async def test_the_preview_leaves_out_whom_another_alert_of_the_event_tells(door: Door) -> None:
    both = await settle(door.house, KOTHRUD, HADAPSAR)
    await settle(door.house, HADAPSAR)
    expires = await expiry(door)
    first = await door.sent(incident=BURST, expires=expires.isoformat())
    asked = {"incident": BURST, "expires": expires.isoformat()}
    found = await preview(door, door.approver, BOTH, **asked)
    assert (found["people"], found["suppressed"]["told_of_event"]) == (1, 1)
    longer = {"incident": BURST, "expires": (expires + timedelta(hours=1)).isoformat()}
    assert (await preview(door, door.approver, BOTH, **longer))["people"] == 2
    assert (await preview(door, door.approver, BOTH, incident="another"))["people"] == 2
    assert (await preview(door, door.approver, BOTH, incident=BURST, severity="Severe"))["people"] == 2
    assert (await preview(door, door.approver, KOTHRUD_OFFICE, incident=BURST))["people"] == 0

    past = (expires - timedelta(days=1)).isoformat()
    for wrong, pointer, words in (
        ({"expires": past}, "/expires", "has passed"),
        ({"expires": asked["expires"], "onset": asked["expires"]}, "/onset", "begins after"),
        ({"onset": asked["expires"]}, "/expires", "when the alert would expire"),
        ({"expires": "1800000000"}, "/expires", "write the time as text"),
        ({"expires": "2030-01-01T18:00:00"}, "/expires", "with its offset"),
        ({"incident": "a b"}, "/incident", "1 to 60 of"),
    ):
        refused = refusal(await ask(door, door.approver, BOTH, **{"incident": BURST, **wrong}), 422, pointer)
        assert words in refused["errors"][0]["detail"]

    assert (await preview(door, door.approver, BOTH, **asked, alert=first))["people"] == 2  # an update reaches all
    unknown = {"incident": BURST, "alert": "00000000-0000-4000-8000-000000000000"}
    refusal(await ask(door, door.approver, BOTH, **unknown), 422, "/alert")

    second = await door.approved(incident=BURST, expires=expires.isoformat(), area=BOTH)
    answer = await door.call("POST", f"/v1/alerts/{second['identifier']}/send", door.approver)
    assert (answer.json()["people"], answer.json()["spared"]) == (1, {"told_of_event": 1})
    explained = f"/v1/audience/explain?alert={{}}&subscriber={await reference_of(door.house, both)}"
    (told,) = (await door.call("GET", explained.format(first), door.caller)).json()["messages"]
    assert (told["role"], told["as_of_now"]["left_out"]) == ("inside", None)
    (spared,) = (await door.call("GET", explained.format(second["identifier"]), door.caller)).json()["messages"]
    assert (spared["in_audience"], spared["as_of_now"]["left_out"]) == (False, "told_of_event")
    assert "a live alert of the same event has told them" in spared["as_of_now"]["says"]
