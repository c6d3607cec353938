"""What the demo prints and draws at its end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from geoalert.alerts import find_alert, messages_of
from geoalert.bootstrap import House
from geoalert.cli.console import out
from geoalert.operations.demo_story import OFFICE, drawn_area, flood_area
from geoalert.report import alert_report, by_office, prove
from geoalert.report.offices import Row
from geoalert.store import database_now
from geoalert.subscribers.codes import CHANNELS
from geoalert.wards.map import draw

TOLD = ("sending", "uncertain", "accepted", "delivered")
NUMBERS = ("audience", "accepted", "delivered", "failed", "other")


async def show_tables(house: House, alerts: list[str]) -> None:
    """One table a message: office, channel, language."""
    async with house.store.reading() as session:
        on = house.desk.day(await database_now(session))
        for identifier in alerts:
            alert = await find_alert(session, identifier)
            for message in await messages_of(session, alert):
                rows = await by_office(session, house.desk.index, message, on)
                out.print(_table(f"{alert.category}: {message.msg_type}, {message.severity}", rows))
    out.print("accepted: a provider took it. delivered: a device or carrier said that it arrived.")
    out.print("other: held until quiet hours end, suppressed, or not known.")


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(
        title=f"\n{title}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=True,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in ("office", "channel", "lang"):
        table.add_column(name, no_wrap=True, footer="in all" if name == "office" else "")
    for name in NUMBERS:
        table.add_column(name, justify="right", no_wrap=True, footer=str(sum(getattr(row, name) for row in rows)))
    office = ""
    for row in rows:
        if office not in {"", row.office}:
            table.add_section()
        shown = row.office if row.office != office else ""
        office = row.office
        table.add_row(shown, row.channel, row.language, *(str(getattr(row, name)) for name in NUMBERS))
    return table


async def show_proof(house: House, inbox: dict[str, Any], alerts: list[str]) -> bool:
    """Checks the releases by other means than made them, and against what the sandbox received."""
    fine = True
    in_ledger = dict.fromkeys(CHANNELS, 0)
    out.print()
    async with house.store.reading() as session:
        ground_of = house.desk.last_known(await database_now(session))
        for identifier in alerts:
            alert = await find_alert(session, identifier)
            report = await alert_report(session, alert)
            fine &= report["balanced"]
            for message in await messages_of(session, alert):
                proof = await prove(session, message, ground_of)
                fine &= not proof.outside and not proof.twice
                out.print(
                    f"{alert.category} {message.msg_type}: {proof.told} told of {proof.inside} inside, "
                    f"{proof.outside} outside, {proof.twice} twice (every stored place tested with plain shapely)"
                )
            for row in report["messages"]:
                for channel, counts in row["channels"].items():
                    # A carrier may fail what a provider took: where providers name what they took, count names.
                    in_ledger[channel] += counts["references"] or sum(counts[name] for name in TOLD)
    told = {channel: _received(inbox, channel) for channel in inbox["channels"]}
    doubled = {channel: counts["doubled"] for channel, counts in inbox["channels"].items()}
    for channel, received in told.items():
        same = received == in_ledger[channel]
        fine &= same and not doubled[channel]
        out.print(
            f"{channel}: the sandbox holds {received}, our ledger {in_ledger[channel]}"
            f" ({'the same' if same else 'NOT THE SAME'}); told twice: {doubled[channel]}"
        )
    out.print("Nobody outside was told, and nobody twice." if fine else "SOMETHING IS WRONG: see above.")
    return bool(fine)


def _received(inbox: dict[str, Any], channel: str) -> int:
    return sum(told["recipients"] for told in inbox["messages"].values() if told["channel"] == channel)


def show_map(house: House, now: datetime, path: Path) -> None:
    """The map of the demo's areas."""
    draw(
        house.desk.city,
        house.desk.day(now),
        path,
        highlight=[OFFICE],
        areas=[(drawn_area(), "drawn across the Mutha"), (flood_area(), "flood alert")],
        title="Water cut in Kothrud-Bavdhan, flood along the Mutha (demo)",
    )
