"""`geoalert audience explain`: why one person did, or did not, get an alert."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import typer
from pydantic import TypeAdapter

from api.v1.reach import alert_within_reach
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import acting, in_house
from geoalert.errors import NotFound
from geoalert.operations.explain import Explanation
from geoalert.operations.explain import explain as explain_one


def explain(
    alert: str = typer.Argument(..., help="The alert's identifier."),
    subscriber: str = typer.Option(..., "--subscriber", help="The person's reference."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Say why one person did, or did not, get an alert; the question is written down."""

    async def run(house: House) -> Explanation:
        async with house.store.writing() as session:
            actor = await acting(session)
            found = await alert_within_reach(session, actor, _identifier(alert))
            return await explain_one(session, house.desk, actor, found, subscriber)

    found = TypeAdapter(Explanation).dump_python(in_house(run), mode="json")
    if as_json:
        print_json(found)
        return
    if found["erased"]:
        out.print("this person was erased; nothing is known of them any more")
    for message in found["messages"]:
        _show(message)


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("no such alert") from None


def _show(message: dict[str, Any]) -> None:
    was = "in the audience" if message["in_audience"] else "not in the audience"
    out.print(f"{message['number']} {message['msg_type']} of {message['released_at']}: {was}: {message['says']}")
    for channel in message["channels"]:
        out.print(f"  {channel['channel']}: {channel['says']}")
    out.print("  as places, wishes and addresses stand now (older ones are not kept):")
    for place in message["as_of_now"]["places"]:
        parts = ", ".join(part["name"] or part["kind"] for part in place["parts"])
        away = f"outside by about {place['metres']} m" if place["metres"] else "outside"
        where = f"inside {parts}" if place["inside"] else away if place["known"] else "no such ward is known"
        out.print(f"    {place['label']} ({place['kind']}): {where}")
    out.print(f"    {message['as_of_now']['says']}")
