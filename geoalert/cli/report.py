"""`geoalert report`: what became of alerts."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields
from typing import Any

import typer
from rich.table import Table

from geoalert.alerts import find_alert, messages_of
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.report import alert_report, by_office, whole_report
from geoalert.report.offices import Row
from geoalert.store import database_now

COLUMNS = ("audience", "accepted", "delivered", "failed", "uncertain", "held", "cancelled", "expired", "suppressed")
NOTE = "accepted: a provider took it. delivered: a device or carrier said that it arrived."


def report(
    alert: str = typer.Argument(None, help="An alert's identifier; all alerts when not given."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
    as_csv: bool = typer.Option(False, "--csv", help="Rows by office, channel and language."),
) -> None:
    """Count what became of every recipient; the audience is the sum of all outcomes, in every channel."""

    async def run(house: House) -> dict[str, Any]:
        async with house.store.reading() as session:
            if alert is None:
                return await whole_report(session)
            return {"alerts": [await alert_report(session, await find_alert(session, alert))]}

    if as_csv:
        out.file.write(in_house(lambda house: _csv(house, alert)))
        return
    found = in_house(run)
    if as_json:
        print_json(found if alert is None else found["alerts"][0])
        return
    for one in found["alerts"]:
        out.print(_table(one))
    out.print(NOTE)


def _table(report: dict[str, Any]) -> Table:
    title = f"{report['category']} {report['alert']}" + (" (exercise)" if report["drill"] else "")
    table = Table("message", "channel", *COLUMNS, "balanced", title=title)
    for message in report["messages"]:
        for channel, row in message["channels"].items():
            counts = [str(row[column]) for column in COLUMNS]
            table.add_row(message["msg_type"], channel, *counts, "yes" if row["balanced"] else "NO")
    return table


async def _csv(house: House, alert: str | None) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["alert", "message", "msg_type", *(field.name for field in fields(Row))])
    async with house.store.reading() as session:
        on = house.desk.day(await database_now(session))
        wanted = [alert] if alert else [one["alert"] for one in (await whole_report(session))["alerts"]]
        for identifier in wanted:
            for message in await messages_of(session, await find_alert(session, identifier)):
                for row in await by_office(session, house.desk.index, message, on):
                    writer.writerow([identifier, message.identifier, message.msg_type, *astuple(row)])
    return text.getvalue()
