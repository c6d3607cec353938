"""`geoalert audience explain`: why one person did, or did not, get an alert."""

from __future__ import annotations

from datetime import datetime, tzinfo
from uuid import UUID

import typer
from pydantic import TypeAdapter

from api.v1.reach import alert_within_reach
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import acting, in_house
from geoalert.errors import Invalid, NotFound
from geoalert.operations.explain import Explanation, MessageTold
from geoalert.operations.explain import explain as explain_one
from geoalert.operations.explain_places import PlaceNow
from geoalert.wording import N_, SPOKEN, Wording, wording

KINDS = (
    N_("point"),
    N_("ward"),
    N_("cell"),
    N_("service_area"),
    N_("drawn"),
    N_("margin"),
)  # of places and of parts of an area
LABELS = (N_("home"), N_("work"), N_("parents"), N_("other"))  # of places


def explain(
    alert: str = typer.Argument(..., help="The alert's identifier."),
    subscriber: str = typer.Option(..., "--subscriber", help="The person's reference."),
    language: str = typer.Option("en", "--language", help="Of the words: mr, hi or en."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Say why one person did, or did not, get an alert; the question is written down."""
    if language not in SPOKEN:
        raise Invalid(f"languages are {', '.join(SPOKEN)}", pointer="/language")
    say = wording(language)

    async def run(house: House) -> tuple[Explanation, tzinfo]:
        async with house.store.writing() as session:
            actor = await acting(session)
            found = await alert_within_reach(session, actor, _identifier(alert))
            return await explain_one(session, house.desk, actor, found, subscriber, say), house.desk.zone

    found, zone = in_house(run)
    if as_json:
        print_json(TypeAdapter(Explanation).dump_python(found, mode="json"))
        return
    if found.says:
        out.print(found.says)
    for message in found.messages:
        _show(message, say, zone)


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("no such alert") from None


def _show(message: MessageTold, say: Wording, zone: tzinfo) -> None:
    was = say("in the audience") if message.in_audience else say("not in the audience")
    out.print(f"{message.number} {message.msg_type} {_clock(message.released_at, zone)}: {was}: {message.says}")
    for channel in message.channels:
        out.print(f"  {say(channel.channel)}: {channel.says}")
    out.print("  " + say("as places, wishes and addresses stand now (older ones are not kept):"))
    for place in message.as_of_now.places:
        out.print(f"    {say(place.label)} ({say(place.kind)}): {_where(place, say)}")
    out.print(f"    {message.as_of_now.says}")


def _clock(moment: datetime, zone: tzinfo) -> str:
    """To the minute, as the city's clocks show it."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _where(place: PlaceNow, say: Wording) -> str:
    if place.inside:
        return say("inside {parts}", parts=", ".join(part.name or say(part.kind) for part in place.parts))
    if not place.known:
        return say("no such ward is known")
    return say("outside by about {metres} m", metres=place.metres) if place.metres else say("outside")
