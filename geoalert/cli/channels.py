"""`geoalert channels`: whether the ways to reach people are open, and one message to oneself."""

from __future__ import annotations

import time
from typing import Any

import typer
from rich.table import Table

from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import in_house
from geoalert.dispatch.channels import Channel, Verdict
from geoalert.dispatch.sample import Sample, send_sample
from geoalert.errors import Invalid, NotFound
from geoalert.store import database_now

app = typer.Typer(no_args_is_help=True)
# Says what it is, in the three languages of the city: nobody who gets it by mistake should be afraid.
TEXT = "चाचणी संदेश · परीक्षण संदेश · test message"
BODY = "हा geoalert चा चाचणी संदेश आहे. यह geoalert का परीक्षण संदेश है। This is a test of geoalert. Nothing has happened."


@app.callback()
def channels() -> None:
    """The ways to reach people."""


@app.command()
def check(
    to: str = typer.Option(None, "--to", help="Your own number, token or account: sends one test message there."),
    provider: str = typer.Option(None, "--provider", help="One provider; with --to it must be named."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> None:
    """Ask every provider whether it would carry for us, by a call that tells nobody. Exit code 1 when one would not."""

    async def run(house: House) -> list[dict[str, Any]]:
        asked = [found for name, found in sorted(house.channels.items()) if provider in {None, name}]
        if not asked:
            raise NotFound(f"no provider {provider!r} is configured" if provider else "no provider is configured")
        if to is None:
            return [await _asked(found) for found in asked]
        if provider is None:
            raise Invalid("with --to, name the provider with --provider", pointer="/provider")
        return [await _sent(house, asked[0], to)]

    rows = in_house(run)
    if as_json:
        print_json(rows)
    else:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        out.print(table)
    if not all(row["well"] for row in rows):
        raise typer.Exit(1)


async def _asked(channel: Channel) -> dict[str, Any]:
    began = time.perf_counter()
    checked = await channel.check()
    return _row(channel, checked.result.verdict, checked.result.reason.name, began) | {"balance": checked.balance}


async def _sent(house: House, channel: Channel, address: str) -> dict[str, Any]:
    async with house.store.reading() as session:
        now = await database_now(session)
    began = time.perf_counter()
    (result,) = await send_sample(house.keys, channel, [address], Sample("mr", TEXT, BODY), now)
    return _row(channel, result.verdict, result.reason.name, began)


def _row(channel: Channel, verdict: Verdict, reason: str, began: float) -> dict[str, Any]:
    well = verdict is Verdict.ACCEPTED
    return {
        "provider": channel.provider,
        "channel": channel.name,
        "well": well,
        "said": verdict.value,
        "why": "" if well else reason.lower(),
        "ms": round((time.perf_counter() - began) * 1000),
    }
