"""`geoalert audience`: who would be told, and why somebody was, or was not."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import typer
from pydantic import TypeAdapter

from api.v1.reach import alert_within_reach
from geoalert.alerts.content import ALERT_CHANNELS
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import acting, in_house
from geoalert.errors import Invalid, NotFound
from geoalert.operations.compose import outline
from geoalert.operations.explain import Explanation
from geoalert.operations.explain import explain as explain_one
from geoalert.operations.preview import Preview
from geoalert.operations.preview import preview as count

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Who would be told, and why somebody was, or was not."""


@app.command()
def preview(
    area: Path = typer.Option(None, "--area", help="A GeoJSON polygon."),
    ward: list[str] = typer.Option([], "--ward", help="A ward's code; may be given again."),
    service_area: list[str] = typer.Option([], "--service-area", help="A service area's code; may be given again."),
    category: str = typer.Option("water-supply", "--category"),
    severity: str = typer.Option("Moderate", "--severity"),
    drill: bool = typer.Option(False, "--drill", help="As of a drill, which may aim at illustrative areas."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Count the people an alert of this area would tell now; nothing is sent."""

    async def run(house: House) -> Preview:
        if category not in house.desk.categories:
            raise Invalid(f"categories are {', '.join(house.desk.categories)}", pointer="/category")
        async with house.store.reading() as session:
            drawn = None if area is None else read_json(area)
            shape = await outline(session, house.desk, ward, service_area, drawn, drill=drill)
            return await count(session, house.desk, shape, category, severity, ALERT_CHANNELS)

    found = in_house(run)
    if as_json:
        print_json(asdict(found))
        return
    out.print(f"{found.people} people would be told ({found.held} after their quiet hours), {found.inside} inside")
    for channel, languages in found.by_channel.items():
        out.print(f"{channel}: {', '.join(f'{language} {number}' for language, number in languages.items())}")


@app.command()
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
        away = f" by about {place['metres']} m" if place["metres"] else ""
        out.print(
            f"    {place['label']} ({place['kind']}): {f'inside {parts}' if place['inside'] else f'outside{away}'}"
        )
    out.print(f"    {message['as_of_now']['says']}")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        Invalid: no such file, or not a JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise Invalid(f"{path} is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise Invalid(f"{path} does not hold a JSON object")
    return found
