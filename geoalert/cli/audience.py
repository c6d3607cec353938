"""`geoalert audience`: who would be told."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer
from pydantic import BaseModel

from api.v1.alert_bodies import Texts, plain
from api.v1.audience_views import PreviewIn
from geoalert.bootstrap import House
from geoalert.cli import explain, plan, verify
from geoalert.cli.alert import read_body
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.cli.json_file import read_json
from geoalert.operations.preview import Preview
from geoalert.operations.preview import preview as count
from geoalert.operations.preview_journal import OPERATOR

app = typer.Typer(no_args_is_help=True)
app.command("explain")(explain.explain)
app.command("verify")(verify.verify)
app.command("plan")(plan.plan)


class TextsIn(BaseModel):
    """The texts of a draft; what else it holds is not looked at."""

    texts: Texts


@app.callback()
def group() -> None:
    """Who would be told."""


@app.command()
def preview(
    area: Path = typer.Option(None, "--area", help="A GeoJSON polygon."),
    ward: list[str] = typer.Option([], "--ward", help="A ward's code; may be given again."),
    service_area: list[str] = typer.Option([], "--service-area", help="A service area's code; may be given again."),
    category: str = typer.Option("water-supply", "--category"),
    severity: str = typer.Option("Moderate", "--severity"),
    texts: Path = typer.Option(None, "--texts", help="A draft, or any JSON with its texts: for segments and cost."),
    drill: bool = typer.Option(False, "--drill", help="As of a drill, which may aim at illustrative areas."),
    channel: list[str] = typer.Option([], "--channel", help="Of these alone; may be given again. Else of all."),
    incident: str = typer.Option(None, "--incident", help="The event it would share with other alerts."),
    onset: str = typer.Option(None, "--onset", help="When it begins: with --expires, what those alerts must cover."),
    expires: str = typer.Option(None, "--expires", help="When it ends, e.g. 2026-11-21T18:00:00+05:30."),
    alert: str = typer.Option(None, "--alert", help="The alert that this would be an update of."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Count the people an alert of this area would tell now; nothing is sent.

    Figures are exact: who runs this holds the store's keys. The audit shows that it was run.
    """
    body = {
        "area": {"wards": ward, "areas": service_area, "drawn": None if area is None else read_json(area)},
        "category": category,
        "severity": severity,
        "texts": None if texts is None else plain(read_body(TextsIn, texts).texts),
        "drill": drill,
        "incident": incident,
        "onset": onset,
        "expires": expires,
        "alert": alert,
        **({"channels": channel} if channel else {}),
    }
    asked = PreviewIn.model_validate_json(json.dumps(body)).asked()

    async def run(house: House) -> Preview:
        return await count(house.desk, house.journal, asked, OPERATOR, exact=True)

    found = in_house(run)
    if as_json:
        print_json(asdict(found))
    else:
        show(found)


def show(found: Preview) -> None:
    """For a reader."""
    out.print(f"{found.people} people would be told ({found.held} after their quiet hours), {found.inside} inside")
    if found.may_be_affected:
        out.print(f"{found.may_be_affected} of them only may be affected: they gave a ward or a rounded cell")
    if found.told_before:
        out.print(f"{found.told_before} of them are not inside: an update goes to whoever was told before")
    left_out = [f"{reason} {number}" for reason, number in found.suppressed.items() if number]
    if left_out:
        out.print(f"not told: {', '.join(left_out)}")
    for channel, languages in found.by_channel.items():
        minutes = found.expected_minutes[channel]
        pace = "no provider" if minutes is None else f"within {minutes} min"
        told = ", ".join(f"{language} {number}" for language, number in languages.items())
        out.print(f"{channel}: {told} ({pace})")
    for row in found.by_office:
        out.print(f"  {row.office}, {row.channel}, {row.language}: {row.people}", markup=False)
    if found.segments is not None:
        out.print(f"SMS segments: {', '.join(f'{language} {units}' for language, units in found.segments.items())}")
    if found.estimated_cost_rupees is not None:
        out.print(f"about {found.estimated_cost_rupees:.2f} rupees")
    more = {name: sum(told.values()) for name, told in found.at_most.items()}
    if more != {name: sum(told.values()) for name, told in found.by_channel.items()}:
        cost = "" if found.cost_at_most_rupees is None else f", {found.cost_at_most_rupees:.2f} rupees"
        told = ", ".join(f"{name} {number}" for name, number in more.items())
        out.print(f"at most, if everybody had to go on to every channel they have: {told}{cost}")
