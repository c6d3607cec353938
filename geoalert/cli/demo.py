"""`geoalert demo`: the main job on real Pune, with nothing to install: two alerts from draft to report."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime

import aiohttp
import typer

from geoalert.bootstrap import House, open_house
from geoalert.cli.children import Children
from geoalert.cli.console import out, progress_bar
from geoalert.cli.demo_folder import FOLDER, free_port, prepare
from geoalert.cli.demo_show import show_map, show_proof, show_tables
from geoalert.cli.orphan import on_stop
from geoalert.cli.serve import listen
from geoalert.dispatch.receipts import receipts_waiting
from geoalert.operations.demo_city import Credentials, seat_officers, settle_citizens
from geoalert.operations.demo_client import Client
from geoalert.operations.demo_story import ACCOUNTS, CELL, all_clear, flood, water_cut
from geoalert.settings import Settings
from geoalert.store import database_now

PATIENCE = 120.0  # seconds for one message to be carried
HOST = "127.0.0.1"


def demo(
    leave: bool = typer.Option(False, "--exit", help="End when the job is done, for CI."),
    people: int = typer.Option(50_000, "--people", min=100, max=2_000_000, help="Made-up citizens."),
    port: int = typer.Option(0, "--port", min=0, max=65_535, help="For the API; a free one when not given."),
) -> None:
    """Fill a store with made-up citizens of Pune, tell some of them that the water goes off, warn of a flood, give the
    all-clear, and prove who was told. Providers are a local sandbox; nothing leaves this machine.
    """
    with listen(HOST, port) as bound:
        port = bound.getsockname()[1]
    sandbox_port = free_port(HOST)
    prepare(HOST, port, sandbox_port)

    async def run() -> bool:
        doing = asyncio.create_task(_demo(leave, people, port, sandbox_port))
        watching = on_stop(doing.cancel, 0)
        try:
            return await doing
        except asyncio.CancelledError:
            out.print("\nstopped")
            return True
        finally:
            watching.cancel()

    if not asyncio.run(run()):
        sys.exit(1)


async def _demo(leave: bool, people: int, port: int, sandbox_port: int) -> bool:
    begun = time.monotonic()
    async with Children() as children:
        accounts = [option for name, _ in ACCOUNTS for option in ("--account", name)]
        base, inbox = f"http://{HOST}:{port}", f"http://{HOST}:{sandbox_port}"
        file = ("--credentials", str(FOLDER / "sandbox.json"))
        await children.start("sandbox", "--port", str(sandbox_port), "--api", base, *file, *accounts)
        async with aiohttp.ClientSession() as http:
            client = Client(http, base)
            await client.until_up(f"{inbox}/healthz")
            async with open_house(Settings(), create=True) as house:
                credentials = await _fill(house, people)
                await children.start("serve", "--port", str(port))
                await client.until_up(f"{base}/readyz")
                async with house.store.reading() as session:
                    now = await database_now(session)
                alerts = [
                    await _water_cut(client, credentials, now),
                    await _flood(client, credentials, now),
                ]
                await _until_receipts_are_in(client, inbox, house)
                await show_tables(house, alerts)
                fine = await show_proof(house, await client.get_json(f"{inbox}/inbox.json"), alerts)
                show_map(house, now, FOLDER / "map.png")
            out.print(f"\ndone in {time.monotonic() - begun:.0f} s")
            out.print(f"  the API and its description   {base}/docs")
            out.print(f"  the sandbox's inbox           {inbox}/")
            out.print(f"  the map                       {FOLDER}/map.png")
            out.print("  the report                    geoalert report")
            if not leave:
                out.print(f"\nCtrl-C ends it; the credentials of its officers are in {FOLDER}/credentials.json")
                await asyncio.Event().wait()
    return fine


async def _fill(house: House, people: int) -> Credentials:
    await house.upgrade()
    city, today = house.desk.city, None
    async with house.store.writing() as session:
        credentials = await seat_officers(session)
        today = house.desk.day(await database_now(session))
    zones, offices, units = (len(city.tree.in_force(today, level)) for level in ("zone", "office", "unit"))
    out.print(
        f"{city.config.name['en']}: {zones} zones, {offices} offices, {units} units in force; 61 listed departments"
    )
    credentials.write(FOLDER / "credentials.json")
    with progress_bar() as bar:
        task = bar.add_task("citizens", total=people)
        await settle_citizens(house.desk, people, lambda count: bar.advance(task, count))
    return credentials


async def _water_cut(client: Client, credentials: Credentials, now: datetime) -> str:
    """Drafted by Water Supply's machine, approved and sent by its officers, posted by the cell."""
    first, second = credentials.officers["water-supply"]
    out.print("\nWater Supply drafts a cut for Kothrud-Bavdhan and a polygon across the Mutha, in mr, hi and en")
    alert = await client.post("/v1/alerts", first, water_cut(now))
    identifier = str(alert["identifier"])
    await client.post(f"/v1/alerts/{identifier}/submit", first)
    content_hash = alert["messages"][-1]["content_hash"]
    refused = await client.refusal(f"/v1/alerts/{identifier}/approve", first, {"content_hash": content_hash})
    out.print(f"  its author tries to approve: {refused}")
    await client.post(f"/v1/alerts/{identifier}/approve", second, {"content_hash": content_hash})
    sent = await client.post(f"/v1/alerts/{identifier}/send", second, {})
    out.print(f"  a second officer approves; {sent['people']} people are to be told")
    await client.post(f"/v1/alerts/{identifier}/publish", credentials.cell)
    out.print(f"  the cell ({CELL}) lets the social posts go")
    await _carried(client, identifier, second, "water cut")
    return identifier


async def _flood(client: Client, credentials: Credentials, now: datetime) -> str:
    first, _ = credentials.officers["disaster-management"]
    out.print("\nDisaster Management broadcasts a flood alert on one officer's word")
    sent = await client.post("/v1/broadcasts", first, flood(now))
    identifier = str(sent["alert"])
    out.print(f"  {sent['people']} people are to be told, on every channel they have")
    await _carried(client, identifier, first, "flood")
    cancelled = await client.post(f"/v1/alerts/{identifier}/cancel", first, all_clear())
    out.print(f"  all-clear to the {cancelled['people']} who were told")
    await _carried(client, identifier, first, "all-clear")
    return identifier


async def _carried(client: Client, identifier: str, credential: str, label: str) -> None:
    """Watches a message until nothing is left to do for it, apart from what waits for the end of quiet hours."""
    with progress_bar() as bar:
        task = bar.add_task(label, total=None)
        for _ in _every(0.25, PATIENCE):
            state = await client.get(f"/v1/alerts/{identifier}/progress", credential)
            totals: dict[str, int] = {}
            for outcomes in state["channels"].values():
                for name, count in outcomes.items():
                    totals[name] = totals.get(name, 0) + count
            left = sum(totals.get(name, 0) for name in ("pending", "sending"))
            bar.update(task, total=sum(totals.values()), completed=sum(totals.values()) - left)
            if totals and not left:
                return
            await asyncio.sleep(0.25)
    out.print(f"  {label}: not everything was carried in {PATIENCE:.0f} s")


async def _until_receipts_are_in(client: Client, inbox: str, house: House) -> None:
    """Waits until the sandbox has called back everything and all of it is folded."""
    for _ in _every(0.25, PATIENCE):
        callbacks = (await client.get_json(f"{inbox}/inbox.json"))["callbacks"]
        async with house.store.reading() as session:
            open_receipts = await receipts_waiting(session)
        if not callbacks["waiting"] and not open_receipts:
            return
        await asyncio.sleep(0.25)


def _every(step: float, limit: float) -> range:
    return range(int(limit / step))
