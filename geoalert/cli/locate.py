"""`geoalert locate`: which zone, office and unit a point lies in. Needs no store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import typer

from geoalert.bootstrap import city_of
from geoalert.cli.console import out, print_json
from geoalert.errors import Invalid
from geoalert.settings import Settings
from geoalert.wards import WardIndex, parse_point, to_json
from geoalert.wards import locate as find


def day(text: str | None, zone: str) -> date:
    """The date given, or the city's today.

    Raises:
        Invalid: not a date.
    """
    if text is None:
        return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("a date is written 2026-11-21", pointer="/at") from None


def locate(
    lat: str = typer.Argument(..., help="Latitude in degrees."),
    lon: str = typer.Argument(..., help="Longitude in degrees."),
    at: str = typer.Option(None, "--at", help="The day asked about, e.g. 2023-05-01; today when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Say which zone, office and unit a point lies in, and how sure that is."""
    city = city_of(Settings())
    x, y = parse_point(lat, lon, city.config.bbox)
    found = find(WardIndex(city.tree, city.config.note), x, y, day(at, city.config.timezone))
    if as_json:
        print_json(to_json(found))
        return
    if found.office is None or found.zone is None or found.unit is None:
        out.print("outside the city")
    else:
        out.print(f"{found.unit.name_en}\n{found.office.name_en} ({found.office.name_mr})\n{found.zone.name_en}")
        if found.uncertain:
            out.print(f"uncertain: another office is {found.metres_to_other_office:.0f} m away")
    out.print(found.note)
