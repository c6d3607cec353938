"""`geoalert wards show` and `map`: one ward in words, all of them in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from geoalert.cli.console import err, out, print_json
from geoalert.cli.inside import held_city
from geoalert.cli.locate import day
from geoalert.errors import Invalid
from geoalert.languages import LANGUAGES, Language
from geoalert.wards.contacts import office_entries, offices_of, ward_facts
from geoalert.wards.map import draw


def show(
    code: str = typer.Argument(..., help="The ward's code, as `wards list` gives it."),
    at: str = typer.Option(None, "--at", help="The day; today when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Show a ward's names, what it belongs to, and whom to call about it."""
    city = held_city()
    on = day(at, city.config.timezone)
    ward = city.tree.get(code, on)
    facts = ward_facts(city, ward, on)
    offices = office_entries(city, offices_of(city, ward, on), on)
    if as_json:
        print_json(facts | {"aliases": list(ward.aliases), "offices": offices})
        return
    out.print(f"{ward.name_en}\n{ward.name_mr}\n{ward.name_hi}", markup=False)
    above = ", ".join(found.name_en for found in city.tree.ancestors(ward, on))
    out.print(f"{ward.level} {ward.code}, {ward.area_km2:.2f} km2" + (f", in {above}" if above else ""), markup=False)
    for office in offices:
        out.print(_in_words(office), markup=False)
    out.print(facts["note"], markup=False)


def draw_map(
    path: Path = typer.Argument(..., help="The PNG to write."),
    highlight: list[str] = typer.Option([], "--highlight", help="A ward's code; may be given again."),
    language: str = typer.Option("en", "--language", help="en, mr or hi."),
    at: str = typer.Option(None, "--at", help="The day; today when not given."),
) -> None:
    """Draw the wards in force on a day."""
    city = held_city()
    tongue = _language(language)
    draw(city, day(at, city.config.timezone), path, highlight=highlight, language=tongue)
    err.print(f"wrote {path}", markup=False)


def _language(text: str) -> Language:
    for language in LANGUAGES:
        if text == language:
            return language
    raise Invalid(f"one of {', '.join(LANGUAGES)}", pointer="/language")


def _in_words(office: dict[str, Any]) -> str:
    whose = {"office": "its own number", "city": "the city's helpline"}[office["call"]["whose"]]
    lines = [f"\n{office['names']['en']} ({office['zone_code']}): call {office['call']['phone']}, {whose}"]
    listed = office["listed"] or {}
    address = (listed.get("address") or {}).get("en")
    if address:
        lines.append(f"  address: {address}")
    lines += [f"  {name}: {listed[name]}" for name in ("hours", "officer") if listed.get(name)]
    if listed.get("status") == "unverified" and (address or listed.get("phone")):
        number = f", listed number {listed['phone']}" if listed.get("phone") else ""
        lines.append(f"  unverified ({listed['source']}){number}: ask before relying on it")
    if listed.get("doubt"):
        lines.append(f"  doubt: {listed['doubt']}")
    return "\n".join(lines)
