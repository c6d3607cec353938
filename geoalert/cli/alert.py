"""`geoalert alert` and `geoalert broadcast`: the whole life of an alert, as whoever GEOALERT_CREDENTIAL names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.v1.alert_bodies import BroadcastIn, CancelIn, DraftIn, EditIn, plain
from api.v1.alert_views import alert_view
from geoalert.alerts import draft, find_alert, newest, submit
from geoalert.alerts.tables import Alert
from geoalert.bootstrap import House
from geoalert.cli.console import out, print_json
from geoalert.cli.inside import acting, in_house
from geoalert.departments import Actor, find_department
from geoalert.errors import Invalid, NotFound
from geoalert.operations.approve import approve
from geoalert.operations.broadcast import broadcast as broadcast_now
from geoalert.operations.compose import compose
from geoalert.operations.follow_up import cancel as cancel_alert
from geoalert.operations.follow_up import draft_update
from geoalert.operations.release import release

app = typer.Typer(no_args_is_help=True)
M = TypeVar("M", bound=BaseModel)
FILE = typer.Argument(..., help="A JSON file with the same body as the HTTP door's; its form is at /docs.")
ALERT = typer.Argument(..., help="The alert's identifier.")
JSON = typer.Option(False, "--json", help="One JSON document.")
Work = Callable[[AsyncSession, House, Actor], Awaitable[Any]]


def read_body(model: type[M], path: Path) -> M:
    """A body from a file.

    Raises:
        Invalid: it cannot be read.
        ValidationError: it is not such a body; names the fields.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}") from None


def written(work: Work) -> Any:  # noqa: ANN401 - whatever the work returns
    """Does the work in one transaction, as the holder of the credential."""

    async def run(house: House) -> Any:  # noqa: ANN401
        async with house.store.writing() as session:
            return await work(session, house, await acting(session))

    return in_house(run)


def _show(view: Any, *, as_json: bool) -> None:  # noqa: ANN401 - an AlertView
    document = view.model_dump(mode="json")
    if as_json:
        print_json(document)
        return
    out.print(f"{document['identifier']}  {document['category']}", markup=False)
    for message in document["messages"]:
        out.print(f"  {message['number']} {message['msg_type']} {message['state']}  {message['content_hash']}")
        if message["remind_at"]:
            out.print(f"    reminder {message['remind_at']}: {_reminder(message)}", markup=False)
    for contact in document["contacts"]:
        out.print(f"  {contact['names']['en']}: call {contact['phone']}", markup=False)


def _reminder(message: dict[str, Any]) -> str:
    if message["reminded_at"]:
        return f"sent {message['reminded_at']}"
    if message["reminder_left_out"]:
        return f"left out ({message['reminder_left_out']})"
    return "void" if message["state"] in {"superseded", "cancelled", "withdrawn"} else "to come"


@app.command("draft")
def draft_(file: Path = FILE, as_json: bool = JSON) -> None:
    """Draft an alert; nothing leaves before another officer has approved it."""
    body = read_body(DraftIn, file)

    async def work(session: AsyncSession, house: House, actor: Actor) -> Any:  # noqa: ANN401
        request = body.request(body.category, drill=body.drill, incident=body.incident)
        content = await compose(session, house.desk, request)
        unit = await find_department(session, body.department or actor.department)
        alert, _ = await draft(session, actor, unit.id, content)
        return await alert_view(session, alert, house.desk)

    _show(written(work), as_json=as_json)


@app.command("submit")
def submit_(alert: str = ALERT) -> None:
    """Hand the newest message to the owning department's officers."""

    async def work(session: AsyncSession, house: House, actor: Actor) -> str:  # noqa: ARG001
        message = await submit(session, actor, await find_alert(session, alert))
        return f"submitted; content {message.content_hash}"

    out.print(written(work))


@app.command("approve")
def approve_(
    alert: str = ALERT,
    content_hash: str = typer.Option(..., "--hash", help="Of the content you have read (geoalert alert show)."),
    note: str = typer.Option("", "--note"),
    confirm_empty: bool = typer.Option(
        False, "--confirm-empty", help="Approve although it leaves by the clock and nobody would be told now."
    ),
) -> None:
    """Approve exactly the content you have read, as an officer of the owning department who did not write it."""

    async def work(session: AsyncSession, house: House, actor: Actor) -> str:
        found = await find_alert(session, alert)
        await approve(session, house.desk, actor, found, content_hash, note, confirm_empty=confirm_empty)
        return "approved"

    out.print(written(work))


@app.command("send")
def send(
    alert: str = ALERT,
    confirm_empty: bool = typer.Option(False, "--confirm-empty", help="Send although nobody would be told."),
    as_json: bool = JSON,
) -> None:
    """Send the approved message now."""

    async def work(session: AsyncSession, house: House, actor: Actor) -> Any:  # noqa: ANN401
        found = await find_alert(session, alert)
        return asdict(await release(session, house.desk, actor, found, confirm_empty=confirm_empty))

    _released(written(work), as_json=as_json)


def _released(released: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(released)
    else:
        out.print(f"on its way to {released['people']} people in {released['batches']} batches")


@app.command("update")
def update(alert: str = ALERT, file: Path = FILE, as_json: bool = JSON) -> None:
    """Draft the next message of a live alert; it needs its own approval."""
    body = read_body(EditIn, file)

    async def work(session: AsyncSession, house: House, actor: Actor) -> Any:  # noqa: ANN401
        found = await find_alert(session, alert)
        request = body.request(found.category, drill=found.drill, incident=found.incident)
        await draft_update(session, house.desk, actor, found, request)
        return await alert_view(session, found, house.desk)

    _show(written(work), as_json=as_json)


@app.command("cancel")
def cancel(alert: str = ALERT, file: Path = FILE, as_json: bool = JSON) -> None:
    """Give the all-clear: stop what has not left, and tell everyone who was told."""
    body = read_body(CancelIn, file)

    async def work(session: AsyncSession, house: House, actor: Actor) -> Any:  # noqa: ANN401
        return asdict(await cancel_alert(session, house.desk, actor, alert, plain(body.texts), body.reason))

    _released(written(work), as_json=as_json)


@app.command("show")
def show(alert: str = ALERT, as_json: bool = JSON) -> None:
    """Show one alert with its messages and the hashes to approve by."""

    async def work(session: AsyncSession, house: House, actor: Actor) -> Any:  # noqa: ANN401
        actor.require("read")
        found = await find_alert(session, alert)
        if found.department_id != actor.department_id and "prepare" not in actor.rights:
            raise NotFound("no such alert")
        return await alert_view(session, found, house.desk)

    _show(written(work), as_json=as_json)


@app.command("list")
def list_(as_json: bool = JSON) -> None:
    """List your department's alerts, newest first."""

    async def work(session: AsyncSession, house: House, actor: Actor) -> list[dict[str, Any]]:  # noqa: ARG001
        actor.require("read")
        query = select(Alert).order_by(Alert.id.desc()).limit(200)
        if "prepare" not in actor.rights:
            query = query.where(Alert.department_id == actor.department_id)
        rows = []
        for alert in list(await session.scalars(query)):
            last = await newest(session, alert)
            rows.append(
                {
                    "identifier": alert.identifier,
                    "category": alert.category,
                    "msg_type": last.msg_type,
                    "state": last.state,
                    "severity": last.severity,
                }
            )
        return rows

    rows = written(work)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        out.print("  ".join(str(value) for value in row.values()), markup=False)


def broadcast(file: Path = FILE, as_json: bool = JSON) -> None:
    """Send an emergency on one disaster officer's word; the review it opens stays open until another closes it."""
    body = read_body(BroadcastIn, file)

    async def work(session: AsyncSession, house: House, actor: Actor) -> Any:  # noqa: ANN401
        request = body.request(body.category, drill=body.drill, incident=body.incident)
        alert, released = await broadcast_now(
            session, house.desk, actor, request, body.reason, confirm_empty=body.confirm_empty
        )
        return {"identifier": alert.identifier, **asdict(released)}

    _released(written(work), as_json=as_json)
