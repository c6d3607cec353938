"""The command `geoalert`."""

from __future__ import annotations

import errno
import logging
import os
import sys

import typer
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, DBAPIError

from geoalert import __version__
from geoalert.cli import (
    alert,
    audience,
    audit,
    channels,
    db,
    demo,
    dispatch,
    keys,
    locate,
    report,
    sandbox,
    serve,
    subscribers,
    wards,
    worker,
)
from geoalert.cli.console import err, out
from geoalert.errors import Refusal

REFUSED = 1

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(alert.app, name="alert", help="Draft, submit, approve, send, cancel, show alerts.")
app.add_typer(audience.app, name="audience", help="Who would be told.")
app.add_typer(audit.app, name="audit", help="The record of who did what.")
app.add_typer(channels.app, name="channels", help="The ways to reach people.")
app.add_typer(db.app, name="db", help="The store and its schema.")
app.add_typer(dispatch.app, name="dispatch", help="What waits, holding it, and letting it go on.")
app.add_typer(keys.app, name="keys", help="Credentials of departments and officers.")
app.add_typer(subscribers.app, name="subscribers", help="Add, import, erase people.")
app.add_typer(wards.app, name="wards", help="The city's boundaries.")
app.command("broadcast")(alert.broadcast)
app.command("demo")(demo.demo)
app.command("locate", context_settings=locate.SIGNED)(locate.locate)
app.command("report")(report.report)
app.command("sandbox")(sandbox.sandbox)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)


@app.callback(invoke_without_command=True)
def start(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    """Tells the right people in a city, in their own language, on the channel they chose, exactly once."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if version:
        out.print(f"geoalert {__version__}")
        raise typer.Exit


def run() -> None:
    """Runs a command; a refusal is one line on stderr and exit 1, misuse exit 2. No traceback reaches a person."""
    try:
        app()
    except Refusal as refusal:
        where = f"{refusal.pointer.removeprefix('/')}: " if refusal.pointer else ""
        err.print(f"refused: {where}{refusal.reason}", markup=False)
        sys.exit(REFUSED)
    except ValidationError as invalid:
        for fault in invalid.errors(include_url=False, include_input=False):
            where = ".".join(str(part) for part in fault["loc"])
            err.print(f"refused: {where}{': ' * bool(where)}{fault['msg']}", markup=False)
        sys.exit(REFUSED)
    except ArgumentError:
        err.print("refused: store/url: not the address of a store", markup=False)
        sys.exit(REFUSED)
    except DBAPIError as failure:
        # The database's own words can hold values; its kind of trouble is enough to go by.
        err.print(
            f"refused: the store failed ({type(failure.orig).__name__}); is it there, and writable?", markup=False
        )
        sys.exit(REFUSED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            os._exit(0)  # whoever read us has gone
        where = f": {error.filename}" if error.filename else ""
        err.print(f"refused: {error.strerror or type(error).__name__}{where}", markup=False)
        sys.exit(REFUSED)
    except Exception as fault:
        # Ours, not the person's: one line for them, the trace for whoever asks by GEOALERT_TRACE=1.
        if os.environ.get("GEOALERT_TRACE"):
            raise
        err.print(f"failed: {type(fault).__name__}; GEOALERT_TRACE=1 shows where", markup=False)
        sys.exit(REFUSED)


if __name__ == "__main__":
    run()
