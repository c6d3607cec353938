"""What `geoalert` can do, each brought in when it is asked for: what a command does not need costs it nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand
from typer.main import get_group


class Entry(NamedTuple):
    """A command, or a group of them: where it is, and what `geoalert --help` says of it."""

    module: str
    called: str  # in that module: a function, or a group's `typer.Typer`
    help: str
    settings: Mapping[str, Any] = MappingProxyType({})


# A latitude or longitude south or west begins as an option does: both are taken in, and `locate` tells them apart.
SIGNED: Final = MappingProxyType({"ignore_unknown_options": True})

ENTRIES: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "broadcast": Entry("alert", "broadcast", "An emergency, on one disaster officer's word."),
        "demo": Entry("demo", "demo", "The whole story, with made-up people of Pune."),
        "locate": Entry("locate", "locate", "Which zone, office and unit a point lies in.", SIGNED),
        "report": Entry("report", "report", "What became of every recipient."),
        "sandbox": Entry("sandbox", "sandbox", "Providers' protocols, spoken on this machine."),
        "serve": Entry("serve", "serve", "Answer on HTTP; the API's own description is at /docs."),
        "worker": Entry("worker", "worker", "Carry batches; any number may run, on any machine."),
        "alert": Entry("alert", "app", "Draft, submit, approve, send, cancel, show alerts."),
        "audience": Entry("audience", "app", "Who would be told."),
        "audit": Entry("audit", "app", "The record of who did what."),
        "channels": Entry("channels", "app", "The ways to reach people."),
        "db": Entry("db", "app", "The store and its schema."),
        "dispatch": Entry("dispatch", "app", "What waits, holding it, and letting it go on."),
        "keys": Entry("keys", "app", "Credentials of departments and officers."),
        "subscribers": Entry("subscribers", "app", "Add, import, find, erase people."),
        "wards": Entry("wards", "app", "The city's boundaries."),
    }
)


def modules() -> list[str]:
    """Where all of them are."""
    return sorted({_module(entry) for entry in ENTRIES.values()})


class Later(TyperCommand):
    """Stands where a command is listed, and gives way to it as soon as it is to run."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - typer's own
        """The command's own."""
        return _brought_in(str(self.name)).make_context(info_name, args, parent, **extra)


def later() -> list[Later]:
    """All of them, none brought in."""
    return [Later(name, help=entry.help) for name, entry in ENTRIES.items()]


def _module(entry: Entry) -> str:
    return f"geoalert.cli.{entry.module}"


def _brought_in(name: str) -> Any:  # noqa: ANN401 - a command of typer's, which hides whose it is
    entry = ENTRIES[name]
    found = getattr(import_module(_module(entry)), entry.called)
    holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, help=entry.help)
    else:
        holder.command(name, context_settings=dict(entry.settings))(found)
    return get_group(holder).commands[name]
