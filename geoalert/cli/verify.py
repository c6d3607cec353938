"""`geoalert audience verify`: whether what audiences are found by is what the rows say."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table

from geoalert.audience.verify import Check
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.errors import Conflict
from geoalert.operations.verify_audience import verify_audience


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
