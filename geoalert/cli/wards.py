"""`geoalert wards`: building, checking and drawing the city's boundaries."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from geoalert.bootstrap import city_folder
from geoalert.cli import areas, epochs, places, wards_show
from geoalert.cli.console import err, out, print_json
from geoalert.cli.extra import with_extra
from geoalert.cli.inside import held_city
from geoalert.cli.locate import day
from geoalert.errors import Conflict, Invalid, NotFound
from geoalert.settings import Settings
from geoalert.wards import LEVELS
from geoalert.wards.check import check as find_faults
from geoalert.wards.check import rules_of, summary
from geoalert.wards.check_map import draw_faults

app = typer.Typer(no_args_is_help=True)
app.command("diff")(epochs.diff)
app.command("epochs")(epochs.epochs)
app.command("import")(epochs.import_)
app.command("withdraw")(epochs.withdraw)
app.command("show")(wards_show.show)
app.command("map")(wards_show.draw_map)
app.command("resolve")(places.resolve)
app.add_typer(areas.app, name="areas", help="Utilities' areas beside the wards.")


@app.command()
def build(
    source: Path = typer.Argument(
        ..., help="The city's own layer: GeoJSON, GeoPackage, Shapefile (also zipped) or KML."
    ),
) -> None:
    """Make the city's product from its own layer, the same to the byte every time. Needs geoalert[wards]."""
    module = with_extra("geoalert.wards.build", "building")
    folder = city_folder(Settings())
    made = module.build_product(source, folder)
    out.print(f"{made.counts} in {folder}")
    out.print(f"worst unit: area {made.area_change_percent:.4f} %, line {made.hausdorff_m:.1f} m from the source")
    for name, digest in made.sha256.items():
        out.print(f"{name}  {made.bytes[name]} bytes  sha256 {digest}")


@app.command()
def check(
    city: str = typer.Argument("pune", help="The city's key."),
    epoch: str = typer.Option(None, "--epoch", help="Its label; the newest that is held when not given."),
    drawn: Path = typer.Option(None, "--map", help="A PNG to draw the faults in."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Say what is wrong with a city's boundaries; exit 1 if anything is."""
    settings = Settings()
    settings.city.key = city
    loaded = held_city(settings)
    if not loaded.tree.wards:
        raise NotFound(f"no boundaries of {city} are held; bring them in with `geoalert wards import`")
    tree = loaded.tree.of_epoch(epoch or loaded.tree.epoch)
    rules = rules_of(loaded.config, tree.epochs[0])
    faults = find_faults(tree, rules)
    if drawn is not None:
        draw_faults(tree, rules, faults, drawn)
        err.print(f"wrote {drawn}")
    today = day(None, loaded.config.timezone)
    counts = {level: len(loaded.tree.in_force(today, level)) for level in ("zone", "office", "unit")}
    area = sum(ward.area_km2 for ward in loaded.tree.units(today))
    if as_json:
        rows = [{"kind": fault.kind, "codes": list(fault.codes), "detail": fault.detail} for fault in faults]
        print_json({"city": city, "epoch": tree.epoch, "in_force": counts, "area_km2": area, "faults": rows})
    else:
        table = Table("check", "meaning", "faults", "first", title=f"{city}, epoch {tree.epoch}")
        for kind, meaning, count, first in summary(faults):
            table.add_row(kind, meaning, str(count), Text(first))
        out.print(table)
        out.print(f"in force on {today}: {counts['zone']} zones, {counts['office']} offices, {counts['unit']} units")
        out.print(f"{area:.2f} km2")
    if faults:
        raise Conflict(f"{len(faults)} faults in {city}")


@app.command("list")
def list_wards(
    level: str = typer.Option("office", "--level", help="zone, office or unit."),
    at: str = typer.Option(None, "--at", help="The day; today when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """List the wards in force with their codes."""
    if level not in LEVELS:
        raise Invalid(f"one of {', '.join(LEVELS)}", pointer="/level")
    city = held_city()
    on = day(at, city.config.timezone)
    city.tree.begin_of(on)
    wards = [ward for ward in city.tree.in_force(on) if ward.level == level]
    if as_json:
        print_json([{"code": ward.code, "parent": ward.parent, "names": ward.names} for ward in wards])
        return
    for ward in wards:
        out.print(f"{ward.code:26} {ward.name_en:40} {ward.name_mr}", markup=False)
