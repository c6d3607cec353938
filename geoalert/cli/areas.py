"""`geoalert wards areas`: utilities' areas beside the tree of wards."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import typer

from geoalert.bootstrap import House, city_of
from geoalert.cli.console import err, out, print_json
from geoalert.cli.extra import with_extra
from geoalert.cli.inside import in_house
from geoalert.cli.locate import day
from geoalert.operations.service_areas import take_areas
from geoalert.settings import Settings
from geoalert.wards.areas import Imported, area_versions, areas_in_force
from geoalert.wards.service_area import ServiceArea, to_facts

app = typer.Typer(no_args_is_help=True)
BY = "command line"


@app.command("import")
def import_(
    file: Path = typer.Argument(..., help="GeoJSON, GeoPackage, Shapefile (also zipped) or KML."),
    valid_from: str = typer.Option(None, "--from", help="The first day of areas that do not say their own."),
    illustrative: bool = typer.Option(False, "--illustrative", help="Take areas in that serve drills only."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Take a utility's areas into the store, whole or not at all. Needs geoalert[wards]."""
    module = with_extra("geoalert.wards.areas_file", "importing")
    config = city_of(Settings()).config
    since = None if valid_from is None else day(valid_from, config.timezone)
    done: Counter[str] = Counter()
    found: list[ServiceArea] = module.read_areas(file, config, since, done, illustrative=illustrative)

    async def run(house: House) -> Imported:
        async with house.store.writing() as session:
            return await take_areas(session, house.desk, found, BY)

    taken = asdict(in_house(run))
    repairs = {what: count for what, count in done.items() if count}
    if as_json:
        print_json({name: list(codes) for name, codes in taken.items()} | {"repairs": repairs})
        return
    for what, count in repairs.items():
        err.print(f"repaired: {what}: {count}")
    for name, codes in taken.items():
        out.print(f"{name}: {', '.join(codes) or 'none'}", markup=False)
    if any(area.illustrative for area in found):
        err.print("illustrative areas are refused outside drills")


@app.command("list")
def list_(
    at: str = typer.Option(None, "--at", help="The day; today when not given."),
    versions: bool = typer.Option(False, "--versions", help="Every version, also those that have ended."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List the service areas in force with their codes."""

    async def run(house: House) -> list[ServiceArea]:
        key, on = house.desk.city.config.key, day(at, house.desk.city.config.timezone)
        async with house.store.reading() as session:
            if versions:
                return await area_versions(session, key)
            return list((await areas_in_force(session, key, on)).values())

    found = in_house(run)
    if as_json:
        print_json([to_facts(area) for area in found])
        return
    for area in found:
        held = f"version {area.version}, {area.valid_from} to {area.valid_to or 'further notice'}"
        mark = "; illustrative, for drills only" if area.illustrative else ""
        out.print(f"{area.code:26} {area.kind:15} {area.name_en:34} {area.name_mr} ({held}{mark})", markup=False)
    if not found:
        out.print("no service areas are held")
