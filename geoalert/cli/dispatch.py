"""`geoalert dispatch`: what waits, and letting parked batches go on."""

from __future__ import annotations

import typer
from rich.table import Table
from sqlalchemy import func, select

from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.dispatch.parked import resume_parked
from geoalert.dispatch.reasons import Reason
from geoalert.dispatch.tables import Batch

app = typer.Typer(no_args_is_help=True)
BY = "command line"


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="One JSON document.")) -> None:
    """Count batches by state, and say why parked ones are parked."""

    async def run(house: House) -> list[dict[str, object]]:
        async with house.store.reading() as session:
            rows = await session.execute(
                select(Batch.state, Batch.provider, Batch.parked_for, func.count(), func.sum(Batch.size))
                .group_by(Batch.state, Batch.provider, Batch.parked_for)
                .order_by(Batch.state, Batch.provider)
            )
            return [
                {
                    "state": state,
                    "provider": provider,
                    "why": Reason(why).name.lower() if why else "",
                    "batches": batches,
                    "recipients": recipients,
                }
                for state, provider, why, batches, recipients in rows
            ]

    rows = in_house(run)
    if as_json:
        print_json(rows)
        return
    table = Table("state", "provider", "why", "batches", "recipients")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)


@app.command()
def resume() -> None:
    """Queue again what was parked for want of a provider or a working credential, once that is mended. Posts that
    wait for the cell stay where they are. The audit shows that it was done.
    """

    async def run(house: House) -> int:
        async with house.store.writing() as session:
            queued = await resume_parked(session, house.desk.routes, BY)
            await house.desk.engine.enqueue(session, queued)
            return len(queued)

    out.print(f"{in_house(run)} batches go on")
