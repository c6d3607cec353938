"""`geoalert wards resolve`: the names of a press note, put on the map or asked back. Needs no store."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from geoalert.cli.console import out, print_json
from geoalert.cli.inside import held_city
from geoalert.cli.locate import day
from geoalert.errors import Conflict, Invalid
from geoalert.wards import WardIndex
from geoalert.wards.gazetteer import Candidate, Gazetteer, to_json


def resolve(
    text: str = typer.Argument(None, help="The list of names; read from standard input when it is -."),
    file: Path = typer.Option(None, "--file", help="A UTF-8 file that holds it."),
    at: str = typer.Option(None, "--at", help="The day; today when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Say which unit each name of a pasted list is in; exit 1 while a name is a question."""
    if (text is None) == (file is None):
        raise typer.BadParameter("give the text or --file, one of the two")
    city = held_city()
    names = Gazetteer(WardIndex(city.tree), city.places, day(at, city.config.timezone))
    found = names.resolve(_read(text, file))
    if as_json:
        print_json(to_json(found))
    else:
        for match in found.matched:
            out.print(f"{match.name}: {_words(match.found)}", markup=False)
        for question in found.questions:
            offered = "; ".join(_words(candidate) for candidate in question.candidates)
            out.print(f"{question.name}: {question.reason}{f', perhaps {offered}' if offered else ''}?", markup=False)
    if found.questions:
        raise Conflict(f"{len(found.questions)} names are questions; write each more exactly, or choose its ward")


def _words(candidate: Candidate) -> str:
    ground = candidate.ground
    return f"{candidate.text} ({ground.unit or 'the whole office'}, {ground.office}, {candidate.score})"


def _read(text: str, file: Path | None) -> str:
    if file is None and text != "-":
        return text
    # As bytes: what a terminal's settings make of a pipe may be no text at all.
    found = sys.stdin.buffer.read() if file is None else file.read_bytes()
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(f"{'standard input' if file is None else file.name} is not UTF-8") from None
