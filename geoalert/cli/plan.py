"""`geoalert audience plan`: reaching phones whose place we do not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from geoalert.audience.geofence import BUDGET, Plan
from geoalert.audience.topics import IN_ONE_CONDITION
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.cli.json_file import read_json
from geoalert.errors import Invalid
from geoalert.operations.compose import outline
from geoalert.operations.device_plan import device_plan
from geoalert.operations.preview_journal import OPERATOR, Looked
from geoalert.subscribers.codes import SEVERITIES
from geoalert.wards.projection import area_km2


def plan(
    area: Path = typer.Option(None, "--area", help="A GeoJSON polygon."),
    ward: list[str] = typer.Option([], "--ward", help="A ward's code; may be given again."),
    service_area: list[str] = typer.Option([], "--service-area", help="A service area's code; may be given again."),
    severity: str = typer.Option("Moderate", "--severity", help="Severe and Extreme widen wards."),
    budget: int = typer.Option(BUDGET, "--budget", help="Bytes the outline may take in a push message."),
    topics: int = typer.Option(IN_ONE_CONDITION, "--topics", help="How many topics at most."),
    drill: bool = typer.Option(False, "--drill", help="As of a drill, which may aim at illustrative areas."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Topics and an outline by which push reaches phones whose place we do not hold, and how far they reach beyond.

    It says how many people we know of there: as of a preview, the audit shows that it was run.
    """

    async def run(house: House) -> Plan:
        if severity not in SEVERITIES:
            raise Invalid(f"severities are {', '.join(SEVERITIES)}", pointer="/severity")
        async with house.store.reading() as session:
            drawn = None if area is None else read_json(area)
            shape = await outline(session, house.desk, severity, ward, service_area, drawn, drill=drill)
            made = await device_plan(session, house.desk, shape, budget=budget, most=topics)
        km2 = area_km2(shape, house.desk.city.config.epsg)
        await house.journal.note(OPERATOR, Looked.at(shape, km2, drawn=drawn is not None))
        return made

    made = in_house(run).document()
    if as_json:
        print_json(made)
        return
    out.print(f"the area has {made['area_km2']:.3f} km2")
    out.print(f"topics: {', '.join(made['topics'])}; {_beyond(made['topics_reach'])}", markup=False)
    out.print(f"outline: {made['outline_bytes']} bytes; {_beyond(made['outline_reach'])}")
    out.print(made["outline"], markup=False, soft_wrap=True)


def _beyond(reach: dict[str, Any]) -> str:
    return (
        f"{reach['km2_beyond']:.3f} km2 ({reach['percent_beyond']:.1f} %) beyond the area,"
        f" {reach['people_beyond']} people we know of"
    )
