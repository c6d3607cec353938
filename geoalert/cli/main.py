"""The command `geoalert`."""

from __future__ import annotations

import errno
import logging
import os
import sys

import typer
from pydantic import ValidationError
from typer.main import get_group

from geoalert import __version__
from geoalert.cli.commands import later
from geoalert.cli.console import err, out
from geoalert.errors import OF_OURS, Refusal

REFUSED = 1

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def start(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    """Tells the right people in a city, in their own language, on the channel they chose, exactly once."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if version:
        out.print(f"geoalert {__version__}")
        raise typer.Exit


def command() -> None:
    """Runs what the command line says."""
    group = get_group(app)
    for each in later():
        group.add_command(each)
    group()


def run() -> None:
    """Runs a command; a refusal is one line on stderr and exit 1, misuse exit 2. No traceback reaches a person."""
    try:
        command()
    except Refusal as refusal:
        where = f"{refusal.pointer.removeprefix('/')}: " if refusal.pointer else ""
        err.print(f"refused: {where}{refusal.reason}", markup=False)
        sys.exit(REFUSED)
    except ValidationError as invalid:
        for fault in invalid.errors(include_url=False, include_input=False):
            where = "/".join(str(part) for part in fault["loc"])
            reason = fault["msg"].removeprefix(OF_OURS)
            err.print(f"refused: {where}{': ' * bool(where)}{reason}", markup=False)
        sys.exit(REFUSED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            os._exit(0)  # whoever read us has gone
        where = f": {error.filename}" if error.filename else ""
        err.print(f"refused: {error.strerror or type(error).__name__}{where}", markup=False)
        sys.exit(REFUSED)
    except Exception as fault:
        if words := _of_store(fault):
            err.print(f"refused: {words}", markup=False)
            sys.exit(REFUSED)
        # Ours, not the person's: one line for them, the trace for whoever asks by GEOALERT_TRACE=1.
        if os.environ.get("GEOALERT_TRACE"):
            raise
        err.print(f"failed: {type(fault).__name__}; GEOALERT_TRACE=1 shows where", markup=False)
        sys.exit(REFUSED)


def _of_store(fault: Exception) -> str:
    """What to say where it is SQLAlchemy's, which not every command brings in; else nothing."""
    said = sys.modules.get("sqlalchemy.exc")
    if said is not None and isinstance(fault, said.ArgumentError):
        return "store/url: not the address of a store"
    if said is not None and isinstance(fault, said.DBAPIError):
        # The database's own words can hold values; its kind of trouble is enough to go by.
        return f"the store failed ({type(fault.orig).__name__}); is it there, and writable?"
    return ""


if __name__ == "__main__":
    run()
