"""`geoalert audience`: who would be told, and whether it is found rightly."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from geoalert.alerts.content import ALERT_CHANNELS
from geoalert.audience.verify import Check
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.errors import Conflict, Invalid
from geoalert.operations.compose import outline
from geoalert.operations.preview import Preview
from geoalert.operations.preview import preview as count
from geoalert.operations.verify_audience import verify_audience

app = typer.Typer(no_args_is_help=True)


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
def verify(as_json: bool = typer.Option(False, "--json", help="One JSON document.")) -> None:
    """Compare what audiences are found by with the rows themselves; exit 1 if anything differs."""

    async def run(house: House) -> list[Check]:
        async with house.store.reading() as session:
            return await verify_audience(session, house.desk)

    checks = in_house(run)
    wrong = [check for check in checks if check.wrong]
    if as_json:
        print_json({"clean": not wrong, "checks": [asdict(check) for check in checks]})
    else:
        table = Table("check", "looked at", "wrong")
        for check in checks:
            table.add_row(check.name, str(check.checked), str(check.wrong))
        out.print(table)
    if wrong:
        raise Conflict("; ".join(f"not {check.name}: {check.of} {_listed(check)}" for check in wrong))


def _listed(check: Check) -> str:
    """Ids only: where somebody lives is not printed."""
    more = check.wrong - len(check.first)
    return ", ".join(map(str, check.first)) + (f" and {more} more" if more else "")


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
